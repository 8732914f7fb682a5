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

    /// <summary>Undoes the transform; returns the same array unless the picture becomes wider.</summary>
    public uint[] Undo(uint[] pixels, int height)
    {
        switch (Kind)
        {
            case LosslessTransformKind.Predictor:
                LosslessPredictor.Undo(pixels, Width, height, Bits, Data);
                return pixels;
            case LosslessTransformKind.Colour:
                UndoColour(pixels, height);
                return pixels;
            case LosslessTransformKind.SubtractGreen:
                foreach (ref uint pixel in pixels.AsSpan())
                {
                    uint green = pixel >> 8 & 0xFF;
                    pixel = AddChannels(pixel, green << 16 | green);
                }

                return pixels;
            default:
                return UndoIndexing(pixels, height);
        }
    }

    /// <summary>Adds the four bytes of two pixels, each without its carry.</summary>
    public static uint AddChannels(uint a, uint b) =>
        ((a & 0xFF00FF00) + (b & 0xFF00FF00) & 0xFF00FF00) | ((a & 0x00FF00FF) + (b & 0x00FF00FF) & 0x00FF00FF);

    /// <summary>4.2: red and blue were predicted from green, blue also from red, by factors of 3.5 bits for each block.</summary>
    private void UndoColour(uint[] pixels, int height)
    {
        int across = LosslessImageReader.Blocks(Width, Bits);
        for (int y = 0, at = 0; y < height; y++)
            for (int x = 0; x < Width; x++, at++)
            {
                uint pixel = pixels[at], factors = Data[(y >> Bits) * across + (x >> Bits)];
                int green = (sbyte)(pixel >> 8);
                int red = (int)(pixel >> 16) + ((sbyte)factors * green >> 5);
                int blue = (int)pixel + ((sbyte)(factors >> 8) * green >> 5) + ((sbyte)(factors >> 16) * (sbyte)red >> 5);
                pixels[at] = pixel & 0xFF00FF00 | (uint)(red & 0xFF) << 16 | (uint)(blue & 0xFF);
            }
    }

    /// <summary>4.4: green is an index, or several small ones, low bits first; indices without a colour are transparent black.</summary>
    private uint[] UndoIndexing(uint[] pixels, int height)
    {
        int codedWidth = CodedWidth, indexBits = 8 >> Bits, mask = (1 << indexBits) - 1;
        uint[] result = Bits == 0 ? pixels : new uint[Width * height];
        for (int y = 0, at = 0; y < height; y++)
            for (int x = 0; x < Width; x++, at++)
            {
                int packed = (int)(pixels[y * codedWidth + (x >> Bits)] >> 8 & 0xFF);
                int index = packed >> ((x & ((1 << Bits) - 1)) * indexBits) & mask;
                result[at] = index < Data.Length ? Data[index] : 0;
            }

        return result;
    }
}
