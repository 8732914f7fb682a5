using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images.Jpeg.Samples;

/// <summary>
/// Dequantisation and inverse cosine transform of a block (T.81, A.3.3), by the factorisation of Loeffler, Ligtenberg and Moschytz (ICASSP
/// 1989, figure 1, run backwards): 12 multiplications for 8 points, in integers with 13 fractional bits. Columns first, kept with 2 extra
/// bits, then rows; the rounding is that of the "accurate integer" transform which most decoders use, so the samples agree with theirs bit
/// by bit. One vector holds a row of eight 32-bit values; the passes work on all columns at once and a transposition stands between them.
/// </summary>
internal static class InverseDct
{
    private const int FractionBits = 13, ExtraBits = 2;

    // cos and sin combinations of figure 1, times 2^13.
    private const int C0_298 = 2446, C0_390 = 3196, C0_541 = 4433, C0_765 = 6270, C0_899 = 7373, C1_175 = 9633;
    private const int C1_501 = 12299, C1_847 = 15137, C1_961 = 16069, C2_053 = 16819, C2_562 = 20995, C3_072 = 25172;

    /// <summary>Transforms one block into samples of 0 … 255.</summary>
    /// <param name="block">64 quantised coefficients, row-major.</param>
    /// <param name="steps">64 quantisation steps, row-major.</param>
    /// <param name="last">Zigzag index of the last coefficient that may differ from 0.</param>
    /// <param name="samples">Receives 8 rows of 8 samples.</param>
    /// <param name="stride">From one row to the next.</param>
    public static void Transform(ReadOnlySpan<short> block, ReadOnlySpan<int> steps, int last, Span<byte> samples, int stride)
    {
        if (last == 0) Flat(block[0] * steps[0], samples, stride);
        else Full(block, steps, samples, stride);
    }

    /// <summary>A DC value alone is the same sample everywhere; both passes' rounding folded into one.</summary>
    private static void Flat(int dc, Span<byte> samples, int stride)
    {
        int value = Math.Clamp(((dc << ExtraBits) + (1 << (ExtraBits + 2)) >> (ExtraBits + 3)) + 128, 0, 255);
        for (int y = 0; y < JpegComponent.BlockSide; y++) samples.Slice(y * stride, JpegComponent.BlockSide).Fill((byte)value);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Full(ReadOnlySpan<short> block, ReadOnlySpan<int> steps, Span<byte> samples, int stride)
    {
        Rows32 rows = default;
        for (int y = 0; y < 8; y++)
            rows[y] = Widen(Vector128.Create(block.Slice(y * 8, 8))) * Vector256.Create(steps.Slice(y * 8, 8));

        Points8(ref rows, FractionBits - ExtraBits);
        Rows16 narrow = default;
        for (int y = 0; y < 8; y++) narrow[y] = Narrow(rows[y]);
        Transpose8x8.Run(ref narrow);

        for (int y = 0; y < 8; y++) rows[y] = Widen(narrow[y]);
        Points8(ref rows, FractionBits + ExtraBits + 3);
        for (int y = 0; y < 8; y++) narrow[y] = Narrow(rows[y]);
        Transpose8x8.Run(ref narrow);

        var centre = Vector128.Create((byte)128);
        for (int y = 0; y < 8; y++)
        {
            Vector128<byte> row = Vector128.NarrowWithSaturation(narrow[y], narrow[y]).AsByte() ^ centre;
            MemoryMarshal.Write(samples.Slice(y * stride, 8), row.AsUInt64().ToScalar());
        }
    }

    /// <summary>The 8-point transform of each column; results are rounded and lose <paramref name="shift"/> bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Points8(ref Rows32 x, int shift)
    {
        // Even part: a 4-point transform of x0, x2, x4, x6. The rounding term rides on x0.
        Vector256<int> rotation = (x[2] + x[6]) * C0_541;
        Vector256<int> even2 = rotation - x[6] * C1_847, even3 = rotation + x[2] * C0_765;
        var half = Vector256.Create(1 << (shift - 1));
        Vector256<int> even0 = ((x[0] + x[4]) << FractionBits) + half, even1 = ((x[0] - x[4]) << FractionBits) + half;
        Vector256<int> e0 = even0 + even3, e3 = even0 - even3, e1 = even1 + even2, e2 = even1 - even2;

        // Odd part: x7, x5, x3, x1 through the rotations that share their factors.
        Vector256<int> all = (x[7] + x[3] + x[5] + x[1]) * C1_175;
        Vector256<int> z1 = (x[7] + x[1]) * -C0_899, z2 = (x[5] + x[3]) * -C2_562;
        Vector256<int> z3 = all - (x[7] + x[3]) * C1_961, z4 = all - (x[5] + x[1]) * C0_390;
        Vector256<int> o3 = x[7] * C0_298 + z1 + z3, o2 = x[5] * C2_053 + z2 + z4;
        Vector256<int> o1 = x[3] * C3_072 + z2 + z3, o0 = x[1] * C1_501 + z1 + z4;

        (x[0], x[7]) = ((e0 + o0) >> shift, (e0 - o0) >> shift);
        (x[1], x[6]) = ((e1 + o1) >> shift, (e1 - o1) >> shift);
        (x[2], x[5]) = ((e2 + o2) >> shift, (e2 - o2) >> shift);
        (x[3], x[4]) = ((e3 + o3) >> shift, (e3 - o3) >> shift);
    }

    private static Vector256<int> Widen(Vector128<short> row) => Vector256.Create(Vector128.WidenLower(row), Vector128.WidenUpper(row));

    private static Vector128<short> Narrow(Vector256<int> row) => Vector128.NarrowWithSaturation(row.GetLower(), row.GetUpper());

    [InlineArray(8)]
    private struct Rows32
    {
        private Vector256<int> _row;
    }
}

/// <summary>Eight rows of eight 16-bit values.</summary>
[InlineArray(8)]
internal struct Rows16
{
    private Vector128<short> _row;
}
