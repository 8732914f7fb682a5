namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>What the encoder did to the pixels (WebP lossless specification, 4); the numbers are those of the stream.</summary>
internal enum LosslessTransformKind
{
    Predictor = 0,
    Colour = 1,
    SubtractGreen = 2,
    ColourIndexing = 3,
}

/// <summary>A transform that must be undone.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Width">Pixels of a row of the picture that comes out.</param>
/// <param name="Bits">Predictor and colour: block size; indexing: pixels packed in one, as powers of two.</param>
/// <param name="Data">Block modes, or the colour table.</param>
internal sealed record LosslessTransform(LosslessTransformKind Kind, int Width, int Bits, uint[] Data)
{
    private readonly LosslessPredictor? _predictor = Kind == LosslessTransformKind.Predictor ? new LosslessPredictor(Width, Bits, Data) : null;
    private readonly uint[] _wide = Kind == LosslessTransformKind.ColourIndexing ? new uint[Width] : [];

    /// <summary>Pixels of a row of the picture that goes in.</summary>
    public int CodedWidth => Kind == LosslessTransformKind.ColourIndexing ? LosslessImageReader.Blocks(Width, Bits) : Width;

    public static LosslessTransform Read(ref LosslessBits bits, int width, int height)
    {
        var kind = (LosslessTransformKind)bits.Read(2);
        switch (kind)
        {
            case LosslessTransformKind.SubtractGreen:
                return new LosslessTransform(kind, width, 0, []);
            case LosslessTransformKind.ColourIndexing:
                int size = bits.Read(8) + 1;
                uint[] table = LosslessImageReader.ReadPlain(ref bits, size, 1);
                for (int i = 1; i < size; i++) table[i] = AddChannels(table[i], table[i - 1]);
                return new LosslessTransform(kind, width, size <= 2 ? 3 : size <= 4 ? 2 : size <= 16 ? 1 : 0, table);
            default:
                int blockBits = bits.Read(3) + 2;
                uint[] blocks = LosslessImageReader.ReadPlain(
                    ref bits, LosslessImageReader.Blocks(width, blockBits), LosslessImageReader.Blocks(height, blockBits));
                return new LosslessTransform(kind, width, blockBits, blocks);
        }
    }

    /// <summary>Undoes the transform of a row; rows come from the top down.</summary>
    /// <param name="row"><see cref="CodedWidth"/> pixels; may be changed.</param>
    /// <param name="y">The row.</param>
    /// <returns><see cref="Width"/> pixels, valid until the next call: the same memory unless the picture becomes wider.</returns>
    public Span<uint> UndoRow(Span<uint> row, int y)
    {
        switch (Kind)
        {
            case LosslessTransformKind.Predictor:
                _predictor!.UndoRow(row, y);
                return row;
            case LosslessTransformKind.Colour:
                UndoColour(row, y);
                return row;
            case LosslessTransformKind.SubtractGreen:
                foreach (ref uint pixel in row)
                {
                    uint green = pixel >> 8 & 0xFF;
                    pixel = AddChannels(pixel, green << 16 | green);
                }

                return row;
            default:
                UndoIndexing(row);
                return _wide;
        }
    }

    /// <summary>Adds the four bytes of two pixels, each without its carry.</summary>
    public static uint AddChannels(uint a, uint b) =>
        ((a & 0xFF00FF00) + (b & 0xFF00FF00) & 0xFF00FF00) | ((a & 0x00FF00FF) + (b & 0x00FF00FF) & 0x00FF00FF);

    /// <summary>4.2: red and blue were predicted from green, blue also from red, by factors of 3.5 bits for each block.</summary>
    private void UndoColour(Span<uint> row, int y)
    {
        ReadOnlySpan<uint> blocks = Data.AsSpan((y >> Bits) * LosslessImageReader.Blocks(Width, Bits));
        for (int x = 0; x < row.Length; x++)
        {
            uint pixel = row[x], factors = blocks[x >> Bits];
            int green = (sbyte)(pixel >> 8);
            int red = (int)(pixel >> 16) + ((sbyte)factors * green >> 5);
            int blue = (int)pixel + ((sbyte)(factors >> 8) * green >> 5) + ((sbyte)(factors >> 16) * (sbyte)red >> 5);
            row[x] = pixel & 0xFF00FF00 | (uint)(red & 0xFF) << 16 | (uint)(blue & 0xFF);
        }
    }

    /// <summary>4.4: green is an index, or several small ones, low bits first; indices without a colour are transparent black.</summary>
    private void UndoIndexing(ReadOnlySpan<uint> row)
    {
        int indexBits = 8 >> Bits, mask = (1 << indexBits) - 1;
        for (int x = 0; x < _wide.Length; x++)
        {
            int packed = (int)(row[x >> Bits] >> 8 & 0xFF);
            int index = packed >> ((x & ((1 << Bits) - 1)) * indexBits) & mask;
            _wide[x] = index < Data.Length ? Data[index] : 0;
        }
    }
}
