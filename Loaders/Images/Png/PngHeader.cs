namespace TinyMllm.Loaders.Images.Png;

/// <summary>Meaning of a pixel's samples (PNG 3rd edition, table 9).</summary>
internal enum PngColourType : byte
{
    Greyscale = 0,
    Truecolour = 2,
    Indexed = 3,
    GreyscaleAlpha = 4,
    TruecolourAlpha = 6,
}

/// <summary>The IHDR chunk (PNG 3rd edition, 11.2.1).</summary>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="BitDepth">Bits of a sample, or of a palette index.</param>
/// <param name="ColourType">What the samples mean.</param>
/// <param name="IsInterlaced">Adam7, else one pass.</param>
internal readonly record struct PngHeader(uint Width, uint Height, int BitDepth, PngColourType ColourType, bool IsInterlaced)
{
    private const int Length = 13;

    public int Channels => ColourType switch
    {
        PngColourType.Truecolour => 3,
        PngColourType.GreyscaleAlpha => 2,
        PngColourType.TruecolourAlpha => 4,
        _ => 1,
    };

    public int BitsPerPixel => Channels * BitDepth;

    /// <summary>Distance of the filters' left neighbour: a pixel's bytes, at least one.</summary>
    public int FilterUnit => Math.Max(1, BitsPerPixel / 8);

    /// <summary>Bytes of a row of <paramref name="width"/> pixels, without its filter byte.</summary>
    public int RowBytes(int width) => checked((int)(((long)width * BitsPerPixel + 7) / 8));

    public static PngHeader Parse(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length != Length) throw new ImageFormatException($"PNG: IHDR of {chunk.Length} bytes, expected {Length}");
        var reader = new ByteReader(chunk, PngDecoder.Name);
        uint width = reader.ReadUInt32BigEndian(), height = reader.ReadUInt32BigEndian();
        int bitDepth = reader.ReadByte();
        var colourType = (PngColourType)reader.ReadByte();
        int compression = reader.ReadByte(), filter = reader.ReadByte(), interlace = reader.ReadByte();

        bool depthFits = colourType switch
        {
            PngColourType.Greyscale => bitDepth is 1 or 2 or 4 or 8 or 16,
            PngColourType.Indexed => bitDepth is 1 or 2 or 4 or 8,
            PngColourType.Truecolour or PngColourType.GreyscaleAlpha or PngColourType.TruecolourAlpha => bitDepth is 8 or 16,
            _ => throw new ImageFormatException($"PNG: colour type {(int)colourType}, expected 0, 2, 3, 4 or 6"),
        };
        if (!depthFits) throw new ImageFormatException($"PNG: bit depth {bitDepth} with colour type {(int)colourType}");
        if (compression != 0) throw new ImageFormatException($"PNG: compression method {compression}, expected 0");
        if (filter != 0) throw new ImageFormatException($"PNG: filter method {filter}, expected 0");
        if (interlace > 1) throw new ImageFormatException($"PNG: interlace method {interlace}, expected 0 or 1");
        return new PngHeader(width, height, bitDepth, colourType, interlace == 1);
    }
}
