using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images.Bmp;

/// <summary>
/// Windows and OS/2 bitmaps: 1, 2, 4 and 8 bits with a palette, 16, 24 and 32 bits, bit masks, run lengths, either row order
/// (Microsoft, "Bitmap Storage" and "BITMAPINFOHEADER").
/// </summary>
internal static class BmpDecoder
{
    public const string Name = "BMP";

    private const int MostRun = 255;

    public static bool Recognises(ReadOnlySpan<byte> file) => file.Length >= 18 && file.StartsWith("BM"u8);

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        var header = BmpHeader.Read(file);
        bool isRunLength = header.Compression is BmpCompression.RunLength4 or BmpCompression.RunLength8;
        long bytes = file.Length - header.DataOffset, describable = isRunLength ? bytes * MostRun / 2 : bytes * 8 / header.BitsPerPixel;
        ImageLimits.Check(Name, header.Width, header.Height, describable, options);
        if (!HasAlpha(file, header)) header = header.WithoutAlpha();

        var canvas = new ImageCanvas(header.Width, header.Height, options, cancellationToken: cancellationToken);
        var rows = new BmpRows(header, ReadPalette(file, header), canvas);
        var reader = new ByteReader(file, Name) { Position = header.DataOffset };
        bool complete = true;
        try
        {
            if (isRunLength) BmpRunLength.Decode(ref reader, header, rows);
            else ReadRows(ref reader, header, rows);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            complete = false;
        }

        if (isRunLength) rows.Finish();
        return canvas.ToImage(complete);
    }

    /// <summary>Many programs announce alpha and write zeros there; everybody takes such a picture to be opaque.</summary>
    private static bool HasAlpha(ReadOnlySpan<byte> file, BmpHeader header)
    {
        if (header.Masks.Alpha.Bits == 0) return false;
        ReadOnlySpan<byte> rows = file[header.DataOffset..];
        int pixelBytes = header.BitsPerPixel / 8;
        for (int y = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = rows[(int)Math.Min((long)y * header.RowBytes, rows.Length)..];
            for (int x = 0; x < Math.Min(header.Width, row.Length / pixelBytes); x++)
            {
                ReadOnlySpan<byte> pixel = row.Slice(x * pixelBytes, pixelBytes);
                uint value = pixelBytes == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(pixel) : BinaryPrimitives.ReadUInt16LittleEndian(pixel);
                if ((value & header.Masks.Alpha.Bits) != 0) return true;
            }
        }

        return false;
    }

    /// <summary>256 entries of RGBA, red in the low byte; those that the file lacks are black.</summary>
    private static uint[] ReadPalette(ReadOnlySpan<byte> file, BmpHeader header)
    {
        var palette = new uint[256];
        Array.Fill(palette, 0xFF000000);
        for (int i = 0; i < header.PaletteEntries; i++)
        {
            ReadOnlySpan<byte> entry = file[(header.PaletteOffset + i * header.PaletteEntryBytes)..];
            palette[i] = entry[2] | (uint)entry[1] << 8 | (uint)entry[0] << 16 | 0xFF000000;
        }

        return palette;
    }

    private static void ReadRows(ref ByteReader reader, BmpHeader header, BmpRows rows)
    {
        int usedBytes = (int)(((long)header.Width * header.BitsPerPixel + 7) / 8);
        for (int y = 0; y < header.Height; y++)
        {
            // The last row may lack its padding.
            rows.Write(y, reader.Take(Math.Max(usedBytes, Math.Min(header.RowBytes, reader.Remaining))));
        }
    }
}
