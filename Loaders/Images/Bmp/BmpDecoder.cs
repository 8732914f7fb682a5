using System.Buffers.Binary;
using System.Runtime.InteropServices;

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

    public static RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options)
    {
        BmpHeader header = BmpHeader.Read(file);
        bool isRunLength = header.Compression is BmpCompression.RunLength4 or BmpCompression.RunLength8;
        long bytes = file.Length - header.DataOffset, describable = isRunLength ? bytes * MostRun / 2 : bytes * 8 / header.BitsPerPixel;
        ImageLimits.Check(Name, header.Width, header.Height, describable, options);

        var image = new RgbaImage(header.Width, header.Height, new byte[header.Width * header.Height * RgbaImage.BytesPerPixel]);
        uint[] palette = ReadPalette(file, header);
        var reader = new ByteReader(file, Name) { Position = header.DataOffset };
        bool complete = true;
        try
        {
            if (isRunLength) complete = ReadRuns(ref reader, header, palette, image, options);
            else ReadRows(ref reader, header, palette, image);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            complete = false;
        }

        return complete ? image : new RgbaImage(image.Width, image.Height, image.Pixels) { IsComplete = false };
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

    private static void ReadRows(ref ByteReader reader, BmpHeader header, uint[] palette, RgbaImage image)
    {
        int usedBytes = (int)(((long)header.Width * header.BitsPerPixel + 7) / 8);
        for (int y = 0; y < header.Height; y++)
        {
            // The last row may lack its padding.
            ReadOnlySpan<byte> row = reader.Take(Math.Max(usedBytes, Math.Min(header.RowBytes, reader.Remaining)));
            Convert(row, header, palette, MemoryMarshal.Cast<byte, uint>(image.Row(TargetRow(header, y))));
        }
    }

    private static void Convert(ReadOnlySpan<byte> row, BmpHeader header, uint[] palette, Span<uint> pixels)
    {
        BmpMasks masks = header.Masks;
        switch (header.BitsPerPixel)
        {
            case 24:
                for (int x = 0; x < pixels.Length; x++)
                    pixels[x] = row[x * 3 + 2] | (uint)row[x * 3 + 1] << 8 | (uint)row[x * 3] << 16 | 0xFF000000;
                break;
            case 32:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = masks.Convert(BinaryPrimitives.ReadUInt32LittleEndian(row[(x * 4)..]));
                break;
            case 16:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = masks.Convert(BinaryPrimitives.ReadUInt16LittleEndian(row[(x * 2)..]));
                break;
            default:
                int depth = header.BitsPerPixel, mask = (1 << depth) - 1;
                for (int x = 0, bit = 0; x < pixels.Length; x++, bit += depth)
                    pixels[x] = palette[row[bit >> 3] >> (8 - depth - (bit & 7)) & mask];
                break;
        }
    }

    /// <summary>Returns whether the data was whole; what was read of broken data is kept if the options say so.</summary>
    private static bool ReadRuns(ref ByteReader reader, BmpHeader header, uint[] palette, RgbaImage image, ImageOptions options)
    {
        var indices = new byte[header.Width * header.Height];
        bool complete = true;
        try
        {
            BmpRunLength.Decode(ref reader, header, indices);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            complete = false;
        }

        for (int y = 0; y < header.Height; y++)
        {
            Span<uint> pixels = MemoryMarshal.Cast<byte, uint>(image.Row(TargetRow(header, y)));
            for (int x = 0; x < pixels.Length; x++) pixels[x] = palette[indices[y * header.Width + x]];
        }

        return complete;
    }

    private static int TargetRow(BmpHeader header, int y) => header.IsTopDown ? y : header.Height - 1 - y;
}
