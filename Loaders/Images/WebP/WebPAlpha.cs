using TinyMllm.Loaders.Images.WebP.Lossless;

namespace TinyMllm.Loaders.Images.WebP;

/// <summary>Takes a finished row of bytes.</summary>
/// <param name="y">The row.</param>
/// <param name="row">Its bytes, valid during the call.</param>
internal delegate void WebPRow(int y, ReadOnlySpan<byte> row);

/// <summary>
/// The ALPH chunk beside a lossy picture (WebP container specification, "Alpha"): raw or lossless bytes, predicted from their neighbours.
/// </summary>
internal static class WebPAlpha
{
    private const int Raw = 0, Lossless = 1;

    /// <summary>Decodes the chunk; returns whether it was whole. Rows that are missing are opaque.</summary>
    public static bool Decode(ReadOnlySpan<byte> chunk, int width, int height, bool acceptTruncated, WebPRow receive)
    {
        if (chunk.IsEmpty) throw new ImageFormatException("WebP: an empty ALPH chunk");
        (int compression, int filter) = (chunk[0] & 3, chunk[0] >> 2 & 3);
        ReadOnlySpan<byte> data = chunk[1..];
        var (alpha, above) = (new byte[width], new byte[width]);
        switch (compression)
        {
            case Raw:
                long there = Math.Min(data.Length / width, height);
                if (there < height && !acceptTruncated)
                    throw new ImageFormatException($"WebP: {data.Length} bytes of alpha, expected {(long)width * height}");
                for (int y = 0; y < there; y++)
                {
                    data.Slice(y * width, width).CopyTo(alpha);
                    Finish(y);
                }

                return there == height;
            case Lossless:
                return LosslessDecoder.Decode(data, width, height, acceptTruncated, (y, pixels) =>
                {
                    for (int x = 0; x < width; x++) alpha[x] = (byte)(pixels[x] >> 8);
                    Finish(y);
                });
            default:
                throw new ImageFormatException($"WebP: alpha compression {compression}, expected 0 or 1");
        }

        void Finish(int y)
        {
            Unfilter(alpha, above, y, filter);
            receive(y, alpha);
            (alpha, above) = (above, alpha);
        }
    }

    /// <summary>
    /// 0: none, 1: from the left, 2: from above, 3: left + above − corner. The first row and column fall back on what they have.
    /// </summary>
    private static void Unfilter(Span<byte> alpha, ReadOnlySpan<byte> aboveRow, int y, int filter)
    {
        if (filter == 0) return;
        for (int x = 0; x < alpha.Length; x++)
        {
            int left = x > 0 ? alpha[x - 1] : 0, above = y > 0 ? aboveRow[x] : 0;
            int predicted = (x, y, filter) switch
            {
                (0, _, _) => above,
                (_, 0, _) or (_, _, 1) => left,
                (_, _, 2) => above,
                _ => Math.Clamp(left + above - aboveRow[x - 1], 0, 255),
            };
            alpha[x] += (byte)predicted;
        }
    }
}
