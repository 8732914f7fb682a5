namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>The transforms of 4×4 blocks (RFC 6386, 14.3 and 14.4), exact in integers.</summary>
internal static class InverseTransform
{
    // √2·cos(π/8) − 1 and √2·sin(π/8), times 2^16.
    private const int CosineLessOne = 20091, Sine = 35468;

    /// <summary>The block of luma DC values: its results become the first coefficients of the 16 luma blocks.</summary>
    public static void WalshHadamard(ReadOnlySpan<short> input, Span<short> blocks)
    {
        Span<int> columns = stackalloc int[16];
        for (int i = 0; i < 4; i++)
        {
            int a = input[i] + input[12 + i], b = input[4 + i] + input[8 + i];
            int c = input[4 + i] - input[8 + i], d = input[i] - input[12 + i];
            (columns[i], columns[4 + i], columns[8 + i], columns[12 + i]) = (a + b, d + c, a - b, d - c);
        }

        for (int i = 0; i < 4; i++)
        {
            ReadOnlySpan<int> row = columns.Slice(i * 4, 4);
            int a = row[0] + row[3] + 3, b = row[1] + row[2], c = row[1] - row[2], d = row[0] - row[3] + 3;
            Span<short> target = blocks[(i * 4 * CoefficientReader.BlockSize)..];
            target[0] = (short)(a + b >> 3);
            target[CoefficientReader.BlockSize] = (short)(d + c >> 3);
            target[2 * CoefficientReader.BlockSize] = (short)(a - b >> 3);
            target[3 * CoefficientReader.BlockSize] = (short)(d - c >> 3);
        }
    }

    /// <summary>Adds the inverse cosine transform of a block to the prediction in place.</summary>
    public static void AddCosine(ReadOnlySpan<short> block, Span<byte> pixels, int stride)
    {
        Span<int> columns = stackalloc int[16];
        for (int i = 0; i < 4; i++)
        {
            (int a, int b, int c, int d) = Points(block[i], block[4 + i], block[8 + i], block[12 + i]);
            (columns[i], columns[4 + i], columns[8 + i], columns[12 + i]) = (a, b, c, d);
        }

        for (int y = 0; y < 4; y++)
        {
            ReadOnlySpan<int> row = columns.Slice(y * 4, 4);
            Span<byte> target = pixels.Slice(y * stride, 4);
            (int a, int b, int c, int d) = Points(row[0] + 4, row[1], row[2], row[3]);
            (target[0], target[1]) = (Add(target[0], a), Add(target[1], b));
            (target[2], target[3]) = (Add(target[2], c), Add(target[3], d));
        }
    }

    private static (int A, int B, int C, int D) Points(int x0, int x1, int x2, int x3)
    {
        int even0 = x0 + x2, even1 = x0 - x2;
        int odd0 = x1 + (x1 * CosineLessOne >> 16) + (x3 * Sine >> 16), odd1 = (x1 * Sine >> 16) - x3 - (x3 * CosineLessOne >> 16);
        return (even0 + odd0, even1 + odd1, even1 - odd1, even0 - odd0);
    }

    private static byte Add(byte prediction, int residual) => (byte)Math.Clamp(prediction + (residual >> 3), 0, 255);
}
