using TinyMllm.Loaders.Images.WebP.Lossless;

namespace TinyMllm.Loaders.Images.WebP;

/// <summary>
/// The ALPH chunk beside a lossy picture (WebP container specification, "Alpha"): raw or lossless bytes, predicted from their neighbours.
/// </summary>
internal static class WebPAlpha
{
    private const int Raw = 0, Lossless = 1;

    /// <summary>Decodes the chunk into the alpha bytes of <paramref name="rgba"/>; returns whether it was whole.</summary>
    public static bool Apply(ReadOnlySpan<byte> chunk, int width, int height, Span<byte> rgba, bool acceptTruncated)
    {
        if (chunk.IsEmpty) throw new ImageFormatException("WebP: an empty ALPH chunk");
        (int compression, int filter) = (chunk[0] & 3, chunk[0] >> 2 & 3);
        bool complete = true;
        var alpha = new byte[width * height];
        ReadOnlySpan<byte> data = chunk[1..];
        switch (compression)
        {
            case Raw:
                complete = data.Length >= alpha.Length;
                if (!complete && !acceptTruncated)
                    throw new ImageFormatException($"WebP: {data.Length} bytes of alpha, expected {alpha.Length}");
                data[..Math.Min(data.Length, alpha.Length)].CopyTo(alpha);
                break;
            case Lossless:
                uint[] pixels = LosslessDecoder.Decode(data, width, height, acceptTruncated, out complete);
                for (int i = 0; i < alpha.Length; i++) alpha[i] = (byte)(pixels[i] >> 8);
                break;
            default:
                throw new ImageFormatException($"WebP: alpha compression {compression}, expected 0 or 1");
        }

        Unfilter(alpha, width, height, filter);
        for (int i = 0; i < alpha.Length; i++) rgba[i * 4 + 3] = alpha[i];
        return complete;
    }

    /// <summary>
    /// 0: none, 1: from the left, 2: from above, 3: left + above − corner. The first row and column fall back on what they have.
    /// </summary>
    private static void Unfilter(Span<byte> alpha, int width, int height, int filter)
    {
        if (filter == 0) return;
        for (int y = 0, at = 0; y < height; y++)
            for (int x = 0; x < width; x++, at++)
            {
                int left = x > 0 ? alpha[at - 1] : 0, above = y > 0 ? alpha[at - width] : 0;
                int predicted = (x, y, filter) switch
                {
                    (0, _, _) => above,
                    (_, 0, _) or (_, _, 1) => left,
                    (_, _, 2) => above,
                    _ => Math.Clamp(left + above - alpha[at - width - 1], 0, 255),
                };
                alpha[at] += (byte)predicted;
            }
    }
}
