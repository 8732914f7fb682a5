namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>A VP8L stream: transforms, then the coded pixels (WebP lossless specification).</summary>
internal static class LosslessDecoder
{
    /// <summary>Bytes of the header: a signature and 32 bits of sizes and flags.</summary>
    public const int HeaderBytes = 5;

    private const byte Signature = 0x2F;

    /// <summary>Sizes from the header of a VP8L chunk.</summary>
    public static (int Width, int Height) ReadSize(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length < HeaderBytes || chunk[0] != Signature)
            throw new ImageFormatException("WebP: a VP8L chunk without its signature 0x2F");
        var bits = new LosslessBits(chunk[1..]);
        int width = bits.Read(14) + 1, height = bits.Read(14) + 1;
        bits.Read(1);
        int version = bits.Read(3);
        return version == 0 ? (width, height) : throw new ImageFormatException($"WebP: VP8L version {version}, expected 0");
    }

    /// <summary>Decodes what follows the header.</summary>
    /// <param name="data">The stream.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="acceptTruncated">Keeps what was read before the data ended.</param>
    /// <param name="isComplete">Whether all pixels were there.</param>
    /// <returns>ARGB pixels, alpha in the top byte.</returns>
    public static uint[] Decode(ReadOnlySpan<byte> data, int width, int height, bool acceptTruncated, out bool isComplete)
    {
        var bits = new LosslessBits(data);
        var transforms = new Stack<LosslessTransform>();
        int codedWidth = width;
        while (bits.ReadFlag())
        {
            LosslessTransform transform = LosslessTransform.Read(ref bits, codedWidth, height);
            if (transforms.Any(earlier => earlier.Kind == transform.Kind))
                throw new ImageFormatException($"WebP: transform {transform.Kind} twice");
            transforms.Push(transform);
            codedWidth = transform.CodedWidth;
        }

        var pixels = new uint[codedWidth * height];
        isComplete = LosslessImageReader.ReadMain(ref bits, pixels, codedWidth, height);
        if (!isComplete && !acceptTruncated) throw new ImageFormatException("WebP: the lossless data ends early");
        foreach (LosslessTransform transform in transforms) pixels = transform.Undo(pixels, height);
        return pixels;
    }
}
