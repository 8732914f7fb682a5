using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images.Gif;

/// <summary>
/// The first frame of a GIF (GIF89a, CompuServe 1990). The picture is the logical screen; what the frame leaves uncovered is transparent
/// and has the file's background colour, so that it shows that when alpha is dropped.
/// </summary>
internal static class GifDecoder
{
    public const string Name = "GIF";

    private const byte ImageSeparator = 0x2C, ExtensionIntroducer = 0x21, Trailer = 0x3B, GraphicControl = 0xF9;

    /// <summary>A 12-bit code stands for at most 4096 indices.</summary>
    private const long MostExpansion = 4096 * 8 / 12;

    public static bool Recognises(ReadOnlySpan<byte> file) => file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8);

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        var reader = new ByteReader(file, Name) { Position = 6 };
        int screenWidth = reader.ReadUInt16LittleEndian(), screenHeight = reader.ReadUInt16LittleEndian();
        byte flags = reader.ReadByte(), background = reader.ReadByte();
        reader.Skip(1);
        uint[] globalTable = ReadColourTable(ref reader, flags);
        int transparent = SkipToImage(ref reader);

        int left = reader.ReadUInt16LittleEndian(), top = reader.ReadUInt16LittleEndian();
        int width = reader.ReadUInt16LittleEndian(), height = reader.ReadUInt16LittleEndian();
        byte imageFlags = reader.ReadByte();
        uint[] localTable = ReadColourTable(ref reader, imageFlags);
        int rootBits = reader.ReadByte();
        if (rootBits is < 1 or > 8) throw new ImageFormatException($"GIF: LZW codes of {rootBits} bits, expected 1 to 8");

        (int fullWidth, int fullHeight) = (Math.Max(screenWidth, left + width), Math.Max(screenHeight, top + height));
        ImageLimits.Check(Name, width, height, reader.Remaining * MostExpansion, options);
        ImageLimits.Check(Name, fullWidth, fullHeight, reader.Remaining * MostExpansion, options);

        var canvas = new ImageCanvas(fullWidth, fullHeight, options, cancellationToken: cancellationToken);
        canvas.Clear(background < globalTable.Length ? Colour(globalTable[background]) : RgbColor.Black);

        uint[] table = FullTable(localTable.Length > 0 ? localTable : globalTable, transparent);
        var lzw = new LzwDecoder(ReadSubBlocks(ref reader), rootBits);
        var (indices, pixels) = (new byte[width], new uint[width]);
        bool isInterlaced = (imageFlags & 0x40) != 0, isComplete = true;
        for (int row = 0; row < height && isComplete; row++)
        {
            int decoded = ReadRow(ref lzw, indices, options);
            isComplete = decoded == width;
            if (!isComplete && !options.AcceptTruncated)
                throw new ImageFormatException($"GIF: the data ends after {(long)row * width + decoded} of {(long)width * height} pixels");

            for (int x = 0; x < decoded; x++) pixels[x] = table[indices[x]];
            int y = top + (isInterlaced ? InterlacedRow(row, height) : row);
            canvas.WriteRgba(y, MemoryMarshal.AsBytes(pixels.AsSpan(0, decoded)), left);
        }

        return canvas.ToImage(isComplete);
    }

    /// <summary>Damaged codes end the picture, if that is accepted.</summary>
    private static int ReadRow(ref LzwDecoder lzw, Span<byte> indices, ImageOptions options)
    {
        try
        {
            return lzw.Read(indices);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            return 0;
        }
    }

    private static RgbColor Colour(uint rgba) => new((byte)rgba, (byte)(rgba >> 8), (byte)(rgba >> 16));

    /// <summary>A flag byte with the top bit set announces a table of 2^(n+1) colours. RGBA, red in the low byte.</summary>
    private static uint[] ReadColourTable(ref ByteReader reader, byte flags)
    {
        if ((flags & 0x80) == 0) return [];
        var table = new uint[2 << (flags & 7)];
        ReadOnlySpan<byte> colours = reader.Take(table.Length * 3);
        for (int i = 0; i < table.Length; i++)
            table[i] = colours[i * 3] | (uint)colours[i * 3 + 1] << 8 | (uint)colours[i * 3 + 2] << 16 | 0xFF000000;
        return table;
    }

    /// <summary>Passes over extensions up to the first image descriptor; returns the transparent index or -1.</summary>
    private static int SkipToImage(ref ByteReader reader)
    {
        int transparent = -1;
        while (true)
        {
            byte introducer = reader.ReadByte();
            switch (introducer)
            {
                case ImageSeparator:
                    return transparent;
                case ExtensionIntroducer:
                    byte label = reader.ReadByte();
                    ReadOnlySpan<byte> data = ReadSubBlocks(ref reader);
                    if (label == GraphicControl && data.Length >= 4) transparent = (data[0] & 1) != 0 ? data[3] : -1;
                    break;
                case Trailer:
                    throw new ImageFormatException("GIF: no image before the trailer");
                default:
                    throw new ImageFormatException(
                        $"GIF: block 0x{introducer:X2} at byte {reader.Position - 1}, expected 0x21, 0x2C or 0x3B");
            }
        }
    }

    /// <summary>Joins the sub-blocks up to the empty one; the file may end before that.</summary>
    private static ReadOnlySpan<byte> ReadSubBlocks(ref ByteReader reader)
    {
        var joined = new MemoryStream();
        while (reader.Remaining > 0)
        {
            int length = reader.ReadByte();
            if (length == 0) break;
            joined.Write(reader.Take(Math.Min(length, reader.Remaining)));
        }

        return joined.GetBuffer().AsSpan(0, (int)joined.Length);
    }

    /// <summary>256 entries, so that every index has one: opaque black where the file has none; alpha 0 at the transparent index.</summary>
    private static uint[] FullTable(uint[] colours, int transparent)
    {
        var table = new uint[256];
        Array.Fill(table, 0xFF000000);
        colours.CopyTo(table, 0);
        if (transparent >= 0) table[transparent] &= 0x00FFFFFF;
        return table;
    }

    /// <summary>
    /// Where stored row <paramref name="row"/> belongs: every 8th row from 0, from 4, every 4th from 2, every 2nd from 1.
    /// </summary>
    private static int InterlacedRow(int row, int height)
    {
        ReadOnlySpan<(int Start, int Step)> passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
        foreach ((int start, int step) in passes)
        {
            int rows = Math.Max(0, (height - start + step - 1) / step);
            if (row < rows) return start + row * step;
            row -= rows;
        }

        return height - 1;
    }
}
