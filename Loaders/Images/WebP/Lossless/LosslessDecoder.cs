namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>A VP8L stream: transforms, then the coded pixels (WebP lossless specification).</summary>
internal static class LosslessDecoder
{
    /// <summary>Bytes of the header: a signature and 32 bits of sizes and flags.</summary>
    public const int HeaderBytes = 5;

    private const byte Signature = 0x2F;

    private const int SizeBits = 14;

    /// <summary>Sizes from the header of a VP8L chunk.</summary>
    public static (int Width, int Height) ReadSize(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length < HeaderBytes || chunk[0] != Signature)
            throw new ImageFormatException("WebP: a VP8L chunk without its signature 0x2F");
        var bits = new LosslessBits(chunk[1..]);
        int width = bits.Read(SizeBits) + 1, height = bits.Read(SizeBits) + 1;
        bits.ReadFlag();
        int version = bits.Read(3);
        return version == 0 ? (width, height) : throw new ImageFormatException($"WebP: VP8L version {version}, expected 0");
    }

    /// <summary>Whether the header of a VP8L chunk says that alpha counts; where it does not, alpha may be anything.</summary>
    public static bool HasAlpha(ReadOnlySpan<byte> chunk)
    {
        var bits = new LosslessBits(chunk[1..]);
        bits.Read(2 * SizeBits);
        return bits.ReadFlag();
    }

    /// <summary>Decodes what follows the header.</summary>
    /// <param name="data">The stream.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="acceptTruncated">Keeps the rows that were read before the data ended.</param>
    /// <param name="receive">Given the rows from the top down.</param>
    /// <returns>Whether all rows were there.</returns>
    public static bool Decode(ReadOnlySpan<byte> data, int width, int height, bool acceptTruncated, LosslessRow receive)
    {
        var bits = new LosslessBits(data);
        var transforms = new Stack<LosslessTransform>();
        int codedWidth = width;
        while (bits.ReadFlag())
        {
            var transform = LosslessTransform.Read(ref bits, codedWidth, height);
            if (transforms.Any(earlier => earlier.Kind == transform.Kind))
                throw new ImageFormatException($"WebP: transform {transform.Kind} twice");
            transforms.Push(transform);
            codedWidth = transform.CodedWidth;
        }

        var window = new PixelWindow(codedWidth, height, (y, row) =>
        {
            foreach (LosslessTransform transform in transforms) row = transform.UndoRow(row, y);
            receive(y, row);
        });
        bool isComplete = LosslessImageReader.ReadMain(ref bits, window);
        if (!isComplete && !acceptTruncated) throw new ImageFormatException("WebP: the lossless data ends early");
        return isComplete;
    }
}
