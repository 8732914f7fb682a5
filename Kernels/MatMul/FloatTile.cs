using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Y[r, 16·p + lane] (+)= Σ_k X[r, k]·W[p][k, lane] in float32: the register tile under the float matrix products and both products of attention.
/// </summary>
/// <remarks>
/// A panel is 16 columns wide; row k of it lies at <c>w + k · wStride</c>. With 32 registers a tile is 8 rows × 2 panels: 16 accumulators, and per k two loads and eight broadcasts
/// feed 16 multiply-adds (one panel would need nine loads for eight, more than the load ports give). With 16 registers it is 4 rows × 1 panel.
/// No method here calls anything: a call would make the JIT spill every accumulator that lives across it.
/// </remarks>
internal static unsafe class FloatTile<TRows>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>Multiplies any number of rows and panels.</summary>
    /// <param name="x">First row of X.</param>
    /// <param name="xStride">Floats from one row of X to the next.</param>
    /// <param name="rows">Rows of X and Y.</param>
    /// <param name="w">First panel.</param>
    /// <param name="wStride">Floats from one k to the next within a panel.</param>
    /// <param name="panelStride">Floats from one panel to the next.</param>
    /// <param name="panels">Panels.</param>
    /// <param name="length">Number of k.</param>
    /// <param name="y">First row of Y.</param>
    /// <param name="yStride">Floats from one row of Y to the next.</param>
    /// <param name="sum">True to add to Y.</param>
    public static void Multiply(
        float* x, long xStride, int rows, float* w, long wStride, long panelStride, int panels, int length, float* y, long yStride, bool sum)
    {
        int p = 0;
        if (TRows.TilePanels == 2)
        {
            for (; p <= panels - 2; p += 2)
            {
                float* w0 = w + (p * panelStride), y0 = y + (16 * p);
                int row = 0;
                for (; row <= rows - 8; row += 8) EightByTwo(x + (row * xStride), xStride, w0, w0 + panelStride, wStride, length, y0 + (row * yStride), yStride, sum);
                for (; row <= rows - 4; row += 4) FourByTwo(x + (row * xStride), xStride, w0, w0 + panelStride, wStride, length, y0 + (row * yStride), yStride, sum);
                for (; row < rows; row++) OneByTwo(x + (row * xStride), w0, w0 + panelStride, wStride, length, y0 + (row * yStride), sum);
            }
        }

        for (; p < panels; p++)
        {
            float* w0 = w + (p * panelStride), y0 = y + (16 * p);
            int row = 0;
            for (; row <= rows - 4; row += 4) FourByOne(x + (row * xStride), xStride, w0, wStride, length, y0 + (row * yStride), yStride, sum);
            for (; row < rows; row++) OneByOne(x + (row * xStride), w0, wStride, length, y0 + (row * yStride), sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByTwo(float* x, long xStride, float* w0, float* w1, long wStride, int length, float* y, long yStride, bool sum)
    {
        TRows a0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows b0 = sum ? TRows.Load(y + 16) : TRows.Zero;
        TRows a1 = sum ? TRows.Load(y + yStride) : TRows.Zero;
        TRows b1 = sum ? TRows.Load(y + yStride + 16) : TRows.Zero;
        TRows a2 = sum ? TRows.Load(y + (2 * yStride)) : TRows.Zero;
        TRows b2 = sum ? TRows.Load(y + (2 * yStride) + 16) : TRows.Zero;
        TRows a3 = sum ? TRows.Load(y + (3 * yStride)) : TRows.Zero;
        TRows b3 = sum ? TRows.Load(y + (3 * yStride) + 16) : TRows.Zero;
        TRows a4 = sum ? TRows.Load(y + (4 * yStride)) : TRows.Zero;
        TRows b4 = sum ? TRows.Load(y + (4 * yStride) + 16) : TRows.Zero;
        TRows a5 = sum ? TRows.Load(y + (5 * yStride)) : TRows.Zero;
        TRows b5 = sum ? TRows.Load(y + (5 * yStride) + 16) : TRows.Zero;
        TRows a6 = sum ? TRows.Load(y + (6 * yStride)) : TRows.Zero;
        TRows b6 = sum ? TRows.Load(y + (6 * yStride) + 16) : TRows.Zero;
        TRows a7 = sum ? TRows.Load(y + (7 * yStride)) : TRows.Zero;
        TRows b7 = sum ? TRows.Load(y + (7 * yStride) + 16) : TRows.Zero;
        float* x3 = x + (3 * xStride), x6 = x + (6 * xStride);
        for (int k = 0; k < length; k++)
        {
            TRows v0 = TRows.Load(w0);
            TRows v1 = TRows.Load(w1);
            TRows s0 = TRows.Splat(x[0]);
            a0 = TRows.MultiplyAdd(v0, s0, a0);
            b0 = TRows.MultiplyAdd(v1, s0, b0);
            TRows s1 = TRows.Splat(x[xStride]);
            a1 = TRows.MultiplyAdd(v0, s1, a1);
            b1 = TRows.MultiplyAdd(v1, s1, b1);
            TRows s2 = TRows.Splat(x[2 * xStride]);
            a2 = TRows.MultiplyAdd(v0, s2, a2);
            b2 = TRows.MultiplyAdd(v1, s2, b2);
            TRows s3 = TRows.Splat(x3[0]);
            a3 = TRows.MultiplyAdd(v0, s3, a3);
            b3 = TRows.MultiplyAdd(v1, s3, b3);
            TRows s4 = TRows.Splat(x3[xStride]);
            a4 = TRows.MultiplyAdd(v0, s4, a4);
            b4 = TRows.MultiplyAdd(v1, s4, b4);
            TRows s5 = TRows.Splat(x3[2 * xStride]);
            a5 = TRows.MultiplyAdd(v0, s5, a5);
            b5 = TRows.MultiplyAdd(v1, s5, b5);
            TRows s6 = TRows.Splat(x6[0]);
            a6 = TRows.MultiplyAdd(v0, s6, a6);
            b6 = TRows.MultiplyAdd(v1, s6, b6);
            TRows s7 = TRows.Splat(x6[xStride]);
            a7 = TRows.MultiplyAdd(v0, s7, a7);
            b7 = TRows.MultiplyAdd(v1, s7, b7);
            w0 += wStride;
            w1 += wStride;
            x++;
            x3++;
            x6++;
        }

        TRows.Store(a0, y);
        TRows.Store(b0, y + 16);
        TRows.Store(a1, y + yStride);
        TRows.Store(b1, y + yStride + 16);
        TRows.Store(a2, y + (2 * yStride));
        TRows.Store(b2, y + (2 * yStride) + 16);
        TRows.Store(a3, y + (3 * yStride));
        TRows.Store(b3, y + (3 * yStride) + 16);
        TRows.Store(a4, y + (4 * yStride));
        TRows.Store(b4, y + (4 * yStride) + 16);
        TRows.Store(a5, y + (5 * yStride));
        TRows.Store(b5, y + (5 * yStride) + 16);
        TRows.Store(a6, y + (6 * yStride));
        TRows.Store(b6, y + (6 * yStride) + 16);
        TRows.Store(a7, y + (7 * yStride));
        TRows.Store(b7, y + (7 * yStride) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo(float* x, long xStride, float* w0, float* w1, long wStride, int length, float* y, long yStride, bool sum)
    {
        TRows a0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows b0 = sum ? TRows.Load(y + 16) : TRows.Zero;
        TRows a1 = sum ? TRows.Load(y + yStride) : TRows.Zero;
        TRows b1 = sum ? TRows.Load(y + yStride + 16) : TRows.Zero;
        TRows a2 = sum ? TRows.Load(y + (2 * yStride)) : TRows.Zero;
        TRows b2 = sum ? TRows.Load(y + (2 * yStride) + 16) : TRows.Zero;
        TRows a3 = sum ? TRows.Load(y + (3 * yStride)) : TRows.Zero;
        TRows b3 = sum ? TRows.Load(y + (3 * yStride) + 16) : TRows.Zero;
        float* x2 = x + (2 * xStride);
        for (int k = 0; k < length; k++)
        {
            TRows v0 = TRows.Load(w0);
            TRows v1 = TRows.Load(w1);
            TRows s0 = TRows.Splat(x[0]);
            a0 = TRows.MultiplyAdd(v0, s0, a0);
            b0 = TRows.MultiplyAdd(v1, s0, b0);
            TRows s1 = TRows.Splat(x[xStride]);
            a1 = TRows.MultiplyAdd(v0, s1, a1);
            b1 = TRows.MultiplyAdd(v1, s1, b1);
            TRows s2 = TRows.Splat(x2[0]);
            a2 = TRows.MultiplyAdd(v0, s2, a2);
            b2 = TRows.MultiplyAdd(v1, s2, b2);
            TRows s3 = TRows.Splat(x2[xStride]);
            a3 = TRows.MultiplyAdd(v0, s3, a3);
            b3 = TRows.MultiplyAdd(v1, s3, b3);
            w0 += wStride;
            w1 += wStride;
            x++;
            x2++;
        }

        TRows.Store(a0, y);
        TRows.Store(b0, y + 16);
        TRows.Store(a1, y + yStride);
        TRows.Store(b1, y + yStride + 16);
        TRows.Store(a2, y + (2 * yStride));
        TRows.Store(b2, y + (2 * yStride) + 16);
        TRows.Store(a3, y + (3 * yStride));
        TRows.Store(b3, y + (3 * yStride) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByTwo(float* x, float* w0, float* w1, long wStride, int length, float* y, bool sum)
    {
        TRows a0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows b0 = sum ? TRows.Load(y + 16) : TRows.Zero;
        for (int k = 0; k < length; k++)
        {
            TRows v0 = TRows.Load(w0);
            TRows v1 = TRows.Load(w1);
            TRows s0 = TRows.Splat(x[0]);
            a0 = TRows.MultiplyAdd(v0, s0, a0);
            b0 = TRows.MultiplyAdd(v1, s0, b0);
            w0 += wStride;
            w1 += wStride;
            x++;
        }

        TRows.Store(a0, y);
        TRows.Store(b0, y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByOne(float* x, long xStride, float* w0, long wStride, int length, float* y, long yStride, bool sum)
    {
        TRows a0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows a1 = sum ? TRows.Load(y + yStride) : TRows.Zero;
        TRows a2 = sum ? TRows.Load(y + (2 * yStride)) : TRows.Zero;
        TRows a3 = sum ? TRows.Load(y + (3 * yStride)) : TRows.Zero;
        float* x2 = x + (2 * xStride);
        for (int k = 0; k < length; k++)
        {
            TRows v0 = TRows.Load(w0);
            a0 = TRows.MultiplyAdd(v0, TRows.Splat(x[0]), a0);
            a1 = TRows.MultiplyAdd(v0, TRows.Splat(x[xStride]), a1);
            a2 = TRows.MultiplyAdd(v0, TRows.Splat(x2[0]), a2);
            a3 = TRows.MultiplyAdd(v0, TRows.Splat(x2[xStride]), a3);
            w0 += wStride;
            x++;
            x2++;
        }

        TRows.Store(a0, y);
        TRows.Store(a1, y + yStride);
        TRows.Store(a2, y + (2 * yStride));
        TRows.Store(a3, y + (3 * yStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByOne(float* x, float* w0, long wStride, int length, float* y, bool sum)
    {
        TRows a0 = sum ? TRows.Load(y) : TRows.Zero;
        for (int k = 0; k < length; k++)
        {
            TRows v0 = TRows.Load(w0);
            a0 = TRows.MultiplyAdd(v0, TRows.Splat(x[0]), a0);
            w0 += wStride;
            x++;
        }

        TRows.Store(a0, y);
    }
}
