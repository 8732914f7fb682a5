namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// The 4×4 modes with directions (RFC 6386, 12.3). All take their values from the edge, a line of 13 pixels around the block's upper left
/// corner:
/// <code>
///   E[4] E[5] … E[8] E[9] … E[12]
///   E[3]
///    …
///   E[0]
/// </code>
/// Diagonal modes give each diagonal one value, a mean of two or three neighbours on the edge.
/// </summary>
internal static class SubblockPredictor
{
    private const int Corner = 4, FirstAbove = 5;

    public static void Predict(SubblockMode mode, ReadOnlySpan<byte> e, Span<byte> block, int stride)
    {
        switch (mode)
        {
            case SubblockMode.Vertical:
                for (int y = 0; y < 4; y++)
                    for (int x = 0; x < 4; x++) block[y * stride + x] = Mean3(e, FirstAbove + x);
                break;
            case SubblockMode.Horizontal:
                for (int y = 0; y < 4; y++) block.Slice(y * stride, 4).Fill(y < 3 ? Mean3(e, 3 - y) : Mean3(e[1], e[0], e[0]));
                break;
            case SubblockMode.LeftDown:
                for (int y = 0; y < 4; y++)
                {
                        for (int x = 0; x < 4; x++)
                            block[y * stride + x] = x + y < 6 ? Mean3(e, FirstAbove + 1 + x + y) : Mean3(e[11], e[12], e[12]);
                }

                break;
            case SubblockMode.RightDown:
                for (int y = 0; y < 4; y++)
                    for (int x = 0; x < 4; x++) block[y * stride + x] = Mean3(e, Corner + x - y);
                break;
            case SubblockMode.VerticalRight:
                Place(block, stride, VerticalRightSteps, e);
                break;
            case SubblockMode.VerticalLeft:
                Place(block, stride, VerticalLeftSteps, e);
                break;
            case SubblockMode.HorizontalDown:
                Place(block, stride, HorizontalDownSteps, e);
                break;
            case SubblockMode.HorizontalUp:
                HorizontalUp(e, block, stride);
                break;
            default:
                int sum = 4;
                for (int i = 0; i < 4; i++) sum += e[i] + e[FirstAbove + i];
                for (int y = 0; y < 4; y++) block.Slice(y * stride, 4).Fill((byte)(sum >> 3));
                break;
        }
    }

    // Positions on the edge in half steps, row after row: even numbers 2k are the mean of three around E[k],
    // odd ones 2k + 1 the mean of E[k] and E[k + 1].
    private static ReadOnlySpan<byte> VerticalRightSteps => [9, 11, 13, 15, 8, 10, 12, 14, 6, 9, 11, 13, 4, 8, 10, 12];

    private static ReadOnlySpan<byte> VerticalLeftSteps => [11, 13, 15, 17, 12, 14, 16, 18, 13, 15, 17, 20, 14, 16, 18, 22];

    private static ReadOnlySpan<byte> HorizontalDownSteps => [7, 8, 10, 12, 5, 6, 7, 8, 3, 4, 5, 6, 1, 2, 3, 4];

    private static void Place(Span<byte> block, int stride, ReadOnlySpan<byte> steps, ReadOnlySpan<byte> e)
    {
        for (int i = 0; i < 16; i++)
        {
            int at = steps[i] >> 1;
            block[(i >> 2) * stride + (i & 3)] = (steps[i] & 1) == 0 ? Mean3(e, at) : Mean2(e[at], e[at + 1]);
        }
    }

    /// <summary>Down the left edge, E[3] to E[0]; below its end the last pixel goes on.</summary>
    private static void HorizontalUp(ReadOnlySpan<byte> e, Span<byte> block, int stride)
    {
        Span<byte> line =
        [
            Mean2(e[3], e[2]), Mean3(e, 2), Mean2(e[2], e[1]), Mean3(e, 1), Mean2(e[1], e[0]), Mean3(e[1], e[0], e[0]),
            e[0], e[0], e[0], e[0],
        ];
        for (int y = 0; y < 4; y++) line.Slice(2 * y, 4).CopyTo(block[(y * stride)..]);
    }

    private static byte Mean2(byte a, byte b) => (byte)(a + b + 1 >> 1);

    private static byte Mean3(ReadOnlySpan<byte> e, int centre) => Mean3(e[centre - 1], e[centre], e[centre + 1]);

    private static byte Mean3(byte a, byte b, byte c) => (byte)(a + 2 * b + c + 2 >> 2);
}
