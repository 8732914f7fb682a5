namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// Intra prediction (RFC 6386, 12.2 and 12.3) from the pixels above and to the left, which the loop filter has not touched yet.
/// </summary>
internal static class LossyPredictor
{
    /// <summary>Predicts a whole square: 16 luma or 8 chroma pixels wide.</summary>
    /// <param name="plane">The plane.</param>
    /// <param name="x">Left column of the square.</param>
    /// <param name="size">16 or 8.</param>
    /// <param name="mode">One of the first four modes.</param>
    public static void Square(LossyPlane plane, int x, int size, SubblockMode mode)
    {
        Span<byte> pixels = plane.Pixels;
        int at = plane.Offset(x, 0), stride = plane.Stride;
        ReadOnlySpan<byte> above = pixels.Slice(at - stride, size);
        switch (mode)
        {
            case SubblockMode.Vertical:
                for (int row = 0; row < size; row++) above.CopyTo(pixels[(at + row * stride)..]);
                break;
            case SubblockMode.Horizontal:
                for (int row = 0; row < size; row++) pixels.Slice(at + row * stride, size).Fill(pixels[at + row * stride - 1]);
                break;
            case SubblockMode.TrueMotion:
                TrueMotion(pixels, at, stride, size);
                break;
            default:
                byte mean = SquareMean(pixels, at, stride, size, hasAbove: plane.HasAbove, hasLeft: x > 0);
                for (int row = 0; row < size; row++) pixels.Slice(at + row * stride, size).Fill(mean);
                break;
        }
    }

    /// <summary>Predicts a 4×4 block of luma.</summary>
    /// <param name="plane">The plane.</param>
    /// <param name="x">Left column of the block.</param>
    /// <param name="y">Top row of the block in its row of macroblocks.</param>
    /// <param name="mode">The mode.</param>
    /// <param name="aboveRight">The four pixels that follow those above the block.</param>
    public static void Subblock(LossyPlane plane, int x, int y, SubblockMode mode, ReadOnlySpan<byte> aboveRight)
    {
        Span<byte> pixels = plane.Pixels;
        int at = plane.Offset(x, y), stride = plane.Stride;
        if (mode == SubblockMode.TrueMotion)
        {
            TrueMotion(pixels, at, stride, 4);
            return;
        }

        // The edge as one line, from the lower left around the corner to the upper right: left 3…0, corner, above 0…7.
        Span<byte> edge = stackalloc byte[13];
        for (int row = 0; row < 4; row++) edge[3 - row] = pixels[at + row * stride - 1];
        pixels.Slice(at - stride - 1, 5).CopyTo(edge[4..]);
        aboveRight[..4].CopyTo(edge[9..]);
        SubblockPredictor.Predict(mode, edge, pixels[at..], stride);
    }

    private static void TrueMotion(Span<byte> pixels, int at, int stride, int size)
    {
        ReadOnlySpan<byte> above = pixels.Slice(at - stride, size);
        int corner = pixels[at - stride - 1];
        for (int row = 0; row < size; row++)
        {
            int slope = pixels[at + row * stride - 1] - corner;
            Span<byte> target = pixels.Slice(at + row * stride, size);
            for (int column = 0; column < size; column++) target[column] = (byte)Math.Clamp(above[column] + slope, 0, 255);
        }
    }

    /// <summary>The mean of the neighbours that lie inside the frame, 128 if none does.</summary>
    private static byte SquareMean(ReadOnlySpan<byte> pixels, int at, int stride, int size, bool hasAbove, bool hasLeft)
    {
        int sum = 0, count = 0;
        if (hasAbove)
        {
            foreach (byte pixel in pixels.Slice(at - stride, size)) sum += pixel;
            count += size;
        }

        if (hasLeft)
        {
            for (int row = 0; row < size; row++) sum += pixels[at + row * stride - 1];
            count += size;
        }

        return count == 0 ? (byte)128 : (byte)((sum + count / 2) / count);
    }
}
