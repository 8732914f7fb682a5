namespace TinyMllm.Loaders.Images.Bmp;

/// <summary>How the pixel array is coded (biCompression).</summary>
internal enum BmpCompression
{
    None = 0,
    RunLength8 = 1,
    RunLength4 = 2,
    BitFields = 3,
    AlphaBitFields = 6,
}

/// <summary>
/// The file header and whichever information header follows: OS/2's BITMAPCOREHEADER of 12 bytes, or BITMAPINFOHEADER of 40 and its
/// successors, which begin with the same fields.
/// </summary>
internal readonly record struct BmpHeader
{
    private const int FileHeaderBytes = 14, CoreBytes = 12, InfoBytes = 40, MostBytes = 256;

    public int Width { get; private init; }

    public int Height { get; private init; }

    /// <summary>Rows run from the top to the bottom; usually it is the other way round.</summary>
    public bool IsTopDown { get; private init; }

    public int BitsPerPixel { get; private init; }

    public BmpCompression Compression { get; private init; }

    /// <summary>Where the pixels begin in the file.</summary>
    public int DataOffset { get; private init; }

    /// <summary>Where the palette begins in the file.</summary>
    public int PaletteOffset { get; private init; }

    public int PaletteEntries { get; private init; }

    /// <summary>Bytes of a palette entry: blue, green, red and, but for OS/2, a spare one.</summary>
    public int PaletteEntryBytes { get; private init; }

    /// <summary>Where the samples are in pixels of 16 and 32 bits.</summary>
    public BmpMasks Masks { get; private init; }

    /// <summary>Bytes of an uncompressed row: padded to a multiple of four.</summary>
    public int RowBytes => checked((int)(((long)Width * BitsPerPixel + 31) / 32 * 4));

    /// <summary>The same with opaque pixels.</summary>
    public BmpHeader WithoutAlpha() => this with { Masks = Masks with { Alpha = default } };

    public static BmpHeader Read(ReadOnlySpan<byte> file)
    {
        var reader = new ByteReader(file, BmpDecoder.Name) { Position = 10 };
        uint dataOffset = reader.ReadUInt32LittleEndian();
        uint headerBytes = reader.ReadUInt32LittleEndian();
        bool isCore = headerBytes == CoreBytes;
        if (!isCore && headerBytes is < InfoBytes or > MostBytes)
        {
                throw new ImageFormatException(
                    $"BMP: information header of {headerBytes} bytes, expected {CoreBytes} or {InfoBytes} to {MostBytes}");
        }

        int width = isCore ? reader.ReadUInt16LittleEndian() : reader.ReadInt32LittleEndian();
        int height = isCore ? reader.ReadUInt16LittleEndian() : reader.ReadInt32LittleEndian();
        reader.Skip(2);
        int bits = reader.ReadUInt16LittleEndian();
        uint compression = isCore ? 0 : reader.ReadUInt32LittleEndian();
        if (!isCore) reader.Skip(12);
        uint coloursUsed = isCore ? 0 : reader.ReadUInt32LittleEndian();
        if (width <= 0 || height is 0 or int.MinValue) throw new ImageFormatException($"BMP: picture of {width}×{height} pixels");
        CheckCoding(bits, compression);

        var coding = (BmpCompression)compression;
        int paletteOffset = FileHeaderBytes + (int)headerBytes;
        var masks = BmpMasks.Default(bits);
        if (coding is BmpCompression.BitFields or BmpCompression.AlphaBitFields)
        {
            // In a header of 40 bytes the masks follow it, in longer ones they are its next fields.
            reader.Position = FileHeaderBytes + InfoBytes;
            bool hasAlpha = coding == BmpCompression.AlphaBitFields || headerBytes >= 56;
            masks = BmpMasks.Read(ref reader, hasAlpha);
            if (headerBytes == InfoBytes) paletteOffset += hasAlpha ? 16 : 12;
        }

        if (dataOffset > file.Length) throw new ImageFormatException($"BMP: the pixels begin at byte {dataOffset} of {file.Length}");
        int entryBytes = isCore ? 3 : 4;
        int paletteEnd = dataOffset > paletteOffset ? (int)dataOffset : file.Length;
        int room = Math.Max(0, paletteEnd - paletteOffset) / entryBytes;
        int entries = bits > 8 ? 0 : (int)Math.Min(coloursUsed == 0 ? 1u << bits : coloursUsed, 256);
        return new BmpHeader
        {
            Width = width,
            Height = Math.Abs(height),
            IsTopDown = height < 0,
            BitsPerPixel = bits,
            Compression = coding,
            DataOffset = (int)dataOffset,
            PaletteOffset = paletteOffset,
            PaletteEntries = Math.Min(entries, room),
            PaletteEntryBytes = entryBytes,
            Masks = masks,
        };
    }

    private static void CheckCoding(int bits, uint compression)
    {
        bool fits = (BmpCompression)compression switch
        {
            BmpCompression.None => bits is 1 or 2 or 4 or 8 or 16 or 24 or 32,
            BmpCompression.RunLength8 => bits == 8,
            BmpCompression.RunLength4 => bits == 4,
            BmpCompression.BitFields or BmpCompression.AlphaBitFields => bits is 16 or 32,
            _ => false,
        };
        if (!fits) throw new ImageFormatException($"BMP: {bits} bits per pixel with compression {compression} is not read");
    }
}
