using System.IO.Compression;
using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images.Png;

/// <summary>
/// PNG (W3C, Portable Network Graphics, third edition): all colour types, bit depths, filters, interlace and transparency. Gamma and colour
/// profiles are not applied. Of an animated PNG the default picture is taken.
/// </summary>
internal static unsafe class PngDecoder
{
    public const string Name = "PNG";

    /// <summary>A byte of zlib data yields at most this many (RFC 1951: a match of 258 bytes costs at least 2 bits).</summary>
    private const long MostExpansion = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    public static bool Recognises(ReadOnlySpan<byte> file) => file.Length >= 4 && file[1..4].SequenceEqual("PNG"u8);

    public static RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options)
    {
        if (!file.StartsWith(Signature))
            throw new ImageFormatException("PNG: the signature is damaged, as by a transfer in text mode");

        var chunks = new PngChunks(file);
        PngHeader header = chunks.Header;
        long describable = chunks.Data.Sum(chunk => (long)chunk.Length) * MostExpansion * 8 / header.BitsPerPixel;
        ImageLimits.Check(Name, header.Width, header.Height, describable, options);

        var expander = new PngRowExpander(chunks);
        var pixels = new byte[header.Width * header.Height * RgbaImage.BytesPerPixel];
        bool complete = true;
        fixed (byte* start = file)
        {
            using var idat = new IdatStream(start, chunks.Data);
            using var inflated = new ZLibStream(idat, CompressionMode.Decompress);
            try
            {
                foreach (PngPass pass in header.IsInterlaced ? Adam7.Passes : Adam7.SinglePass)
                    ReadPass(inflated, header, pass, expander, pixels);
                inflated.ReadByte(); // Reading past the last row makes zlib compare its checksum.
            }
            catch (Exception error) when (error is InvalidDataException or IOException or ImageFormatException)
            {
                // Damaged and truncated data look the same to zlib.
                if (!options.AcceptTruncated)
                    throw error as ImageFormatException
                        ?? new ImageFormatException("PNG: the compressed pixels are damaged or end early", error);
                complete = false;
            }
        }

        return new RgbaImage((int)header.Width, (int)header.Height, pixels) { Orientation = chunks.Orientation, IsComplete = complete };
    }

    private static void ReadPass(ZLibStream inflated, PngHeader header, PngPass pass, PngRowExpander expander, byte[] pixels)
    {
        (int width, int height) = ((int)header.Width, (int)header.Height);
        (int columns, int rows) = (pass.Columns(width), pass.Rows(height));
        if (columns == 0 || rows == 0) return;

        int rowBytes = header.RowBytes(columns), targetBytes = width * RgbaImage.BytesPerPixel;
        var filtered = new byte[1 + rowBytes + PngFilter.Padding];
        var (row, prior) = (new byte[rowBytes + PngFilter.Padding], new byte[rowBytes + PngFilter.Padding]);
        var expanded = pass.StepX == 1 ? [] : new byte[columns * RgbaImage.BytesPerPixel];
        for (int j = 0; j < rows; j++)
        {
            inflated.ReadExactly(filtered, 0, 1 + rowBytes);
            PngFilter.Undo(filtered[0], filtered.AsSpan(1), prior, row, rowBytes, header.FilterUnit);

            Span<byte> target = pixels.AsSpan((pass.StartY + j * pass.StepY) * targetBytes, targetBytes);
            if (pass.StepX == 1)
            {
                expander.Expand(row, target);
            }
            else
            {
                expander.Expand(row, expanded);
                Scatter(MemoryMarshal.Cast<byte, uint>(expanded), MemoryMarshal.Cast<byte, uint>(target), pass);
            }

            (row, prior) = (prior, row);
        }
    }

    private static void Scatter(ReadOnlySpan<uint> from, Span<uint> to, PngPass pass)
    {
        for (int i = 0, x = pass.StartX; i < from.Length; i++, x += pass.StepX) to[x] = from[i];
    }
}
