using System.IO.Compression;

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

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        if (!file.StartsWith(Signature))
            throw new ImageFormatException("PNG: the signature is damaged, as by a transfer in text mode");

        var chunks = new PngChunks(file);
        PngHeader header = chunks.Header;
        long describable = chunks.Data.Sum(chunk => (long)chunk.Length) * MostExpansion * 8 / header.BitsPerPixel;
        ImageLimits.Check(Name, header.Width, header.Height, describable, options);

        var expander = new PngRowExpander(chunks);
        var canvas = new ImageCanvas((int)header.Width, (int)header.Height, options, chunks.Orientation, cancellationToken);
        bool complete = true;
        fixed (byte* start = file)
        {
            using var idat = new IdatStream(start, chunks.Data);
            using var inflated = new ZLibStream(idat, CompressionMode.Decompress);
            try
            {
                foreach (PngPass pass in header.IsInterlaced ? Adam7.Passes : Adam7.SinglePass)
                    ReadPass(inflated, header, pass, expander, canvas);
                inflated.ReadByte(); // Reading past the last row makes zlib compare its checksum.
            }
            catch (Exception error) when (error is InvalidDataException or IOException or ImageFormatException)
            {
                // Damaged and truncated data look the same to zlib.
                if (!options.AcceptTruncated)
                {
                        throw error as ImageFormatException
                            ?? new ImageFormatException("PNG: the compressed pixels are damaged or end early", error);
                }

                complete = false;
            }
        }

        return canvas.ToImage(complete);
    }

    private static void ReadPass(ZLibStream inflated, PngHeader header, PngPass pass, PngRowExpander expander, ImageCanvas canvas)
    {
        (int columns, int rows) = (pass.Columns(canvas.Width), pass.Rows(canvas.Height));
        if (columns == 0 || rows == 0) return;

        int rowBytes = header.RowBytes(columns);
        var filtered = new byte[1 + rowBytes + PngFilter.Padding];
        var (row, prior) = (new byte[rowBytes + PngFilter.Padding], new byte[rowBytes + PngFilter.Padding]);
        var expanded = expander.IsRgb ? [] : new byte[columns * PngRowExpander.BytesPerPixel];
        for (int j = 0; j < rows; j++)
        {
            inflated.ReadExactly(filtered, 0, 1 + rowBytes);
            PngFilter.Undo(filtered[0], filtered.AsSpan(1), prior, row, rowBytes, header.FilterUnit);

            int y = pass.StartY + j * pass.StepY;
            if (expander.IsRgb)
            {
                canvas.WriteRgb(y, row.AsSpan(0, rowBytes), pass.StartX, pass.StepX);
            }
            else
            {
                expander.Expand(row, expanded);
                canvas.WriteRgba(y, expanded, pass.StartX, pass.StepX);
            }

            (row, prior) = (prior, row);
        }
    }
}
