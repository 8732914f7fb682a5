using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.MatMul;

/// <summary>How 16 weights of one k lie in a float panel.</summary>
internal unsafe interface IFloatElement
{
    static abstract int Bytes { get; }

    static abstract TRows Load<TRows>(byte* source)
        where TRows : unmanaged, IRowLanes<TRows>;
}

internal readonly unsafe struct SingleElement : IFloatElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRows Load<TRows>(byte* source)
        where TRows : unmanaged, IRowLanes<TRows> => TRows.Load((float*)source);
}

internal readonly unsafe struct HalfElement : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRows Load<TRows>(byte* source)
        where TRows : unmanaged, IRowLanes<TRows> => TRows.LoadHalf((ushort*)source);
}

internal readonly unsafe struct BFloatElement : IFloatElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRows Load<TRows>(byte* source)
        where TRows : unmanaged, IRowLanes<TRows> => TRows.LoadBFloat((ushort*)source);
}

/// <summary>
/// y[r, o] = Σ_k w[o, k]·x[r, k] in float32 for panels of 16 rows stored as [k][16], in single, half or bfloat16.
/// </summary>
/// <remarks>
/// Many rows: half-width panels are widened once per <see cref="MaxUnpacked"/> k (32 KB, within L1), then tiles of 8 rows (4 where there are only 16 registers) take one load and 8 multiply-adds with a
/// broadcast operand per k. One row: four accumulators hide the latency of the multiply-add.
/// </remarks>
internal static unsafe class FloatPanelProduct<TElement, TRows>
    where TElement : struct, IFloatElement
    where TRows : unmanaged, IRowLanes<TRows>
{
    private const int MaxUnpacked = 512;

    [SkipLocalsInit]
    public static void Run(PanelArguments* a, int first, int count)
    {
        bool few = a->Rows < 4;
        byte* memory = stackalloc byte[few || TElement.Bytes == 4 ? 64 : (MaxUnpacked * 64) + 64];
        float* copy = stackalloc float[PanelOutput.MaxRows * 16];
        float* unpacked = (float*)(((nint)memory + 63) & -64);
        for (int p = first; p < first + count; p++)
        {
            var output = new PanelOutput(a, p, copy);
            byte* panel = a->Weights + (p * a->PanelBytes);
            float* y;
            if (few)
            {
                for (int row = 0; row < a->Rows; row++)
                {
                    bool sum = output.Begin(row, 1, 0, out y);
                    SingleRow(a, panel, row, y, sum);
                    output.End(row, 1);
                }

                continue;
            }

            for (int k = 0; k < a->Inputs; k += MaxUnpacked)
            {
                int length = Math.Min(a->Inputs - k, MaxUnpacked), row = 0;
                float* w = (float*)(panel + ((long)k * 16 * TElement.Bytes));
                if (TElement.Bytes != 4)
                {
                    Unpack((byte*)w, unpacked, length);
                    w = unpacked;
                }

                float* x = a->X + k;
                if (Vector512.IsHardwareAccelerated)
                {
                    for (; row <= a->Rows - 8; row += 8)
                    {
                        bool sum = output.Begin(row, 8, k, out y);
                        EightRows(x + ((long)row * a->XStride), a->XStride, w, length, y, output.Stride, sum);
                        output.End(row, 8);
                    }
                }

                for (; row <= a->Rows - 4; row += 4)
                {
                    bool sum = output.Begin(row, 4, k, out y);
                    FourRows(x + ((long)row * a->XStride), a->XStride, w, length, y, output.Stride, sum);
                    output.End(row, 4);
                }

                for (; row < a->Rows; row++)
                {
                    bool sum = output.Begin(row, 1, k, out y);
                    OneRow(x + ((long)row * a->XStride), w, length, y, sum);
                    output.End(row, 1);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow(PanelArguments* a, byte* w, int row, float* y, bool sum)
    {
        float* x = a->X + ((long)row * a->XStride);
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero, acc1 = TRows.Zero, acc2 = TRows.Zero, acc3 = TRows.Zero;
        int k = 0;
        for (; k <= a->Inputs - 4; k += 4, w += 64 * TElement.Bytes)
        {
            acc0 = TRows.MultiplyAdd(TElement.Load<TRows>(w), TRows.Splat(x[k]), acc0);
            acc1 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (16 * TElement.Bytes)), TRows.Splat(x[k + 1]), acc1);
            acc2 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (32 * TElement.Bytes)), TRows.Splat(x[k + 2]), acc2);
            acc3 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (48 * TElement.Bytes)), TRows.Splat(x[k + 3]), acc3);
        }

        for (; k < a->Inputs; k++, w += 16 * TElement.Bytes) acc0 = TRows.MultiplyAdd(TElement.Load<TRows>(w), TRows.Splat(x[k]), acc0);
        TRows.Store(acc0 + acc1 + (acc2 + acc3), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* source, float* target, int length)
    {
        for (int k = 0; k < length; k++) TRows.Store(TElement.Load<TRows>(source + (k * 16 * TElement.Bytes)), target + (16 * k));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows(float* x, long xStride, float* w, int length, float* y, long stride, bool sum)
    {
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows acc1 = sum ? TRows.Load(y + stride) : TRows.Zero;
        TRows acc2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero;
        TRows acc3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero;
        TRows acc4 = sum ? TRows.Load(y + (4 * stride)) : TRows.Zero;
        TRows acc5 = sum ? TRows.Load(y + (5 * stride)) : TRows.Zero;
        TRows acc6 = sum ? TRows.Load(y + (6 * stride)) : TRows.Zero;
        TRows acc7 = sum ? TRows.Load(y + (7 * stride)) : TRows.Zero;
        float* x3 = x + (3 * xStride), x6 = x + (6 * xStride);
        for (int k = 0; k < length; k++)
        {
            TRows v = TRows.Load(w);
            acc0 = TRows.MultiplyAdd(v, TRows.Splat(x[0]), acc0);
            acc1 = TRows.MultiplyAdd(v, TRows.Splat(x[xStride]), acc1);
            acc2 = TRows.MultiplyAdd(v, TRows.Splat(x[2 * xStride]), acc2);
            acc3 = TRows.MultiplyAdd(v, TRows.Splat(x3[0]), acc3);
            acc4 = TRows.MultiplyAdd(v, TRows.Splat(x3[xStride]), acc4);
            acc5 = TRows.MultiplyAdd(v, TRows.Splat(x3[2 * xStride]), acc5);
            acc6 = TRows.MultiplyAdd(v, TRows.Splat(x6[0]), acc6);
            acc7 = TRows.MultiplyAdd(v, TRows.Splat(x6[xStride]), acc7);
            w += 16;
            x++;
            x3++;
            x6++;
        }

        TRows.Store(acc0, y);
        TRows.Store(acc1, y + stride);
        TRows.Store(acc2, y + (2 * stride));
        TRows.Store(acc3, y + (3 * stride));
        TRows.Store(acc4, y + (4 * stride));
        TRows.Store(acc5, y + (5 * stride));
        TRows.Store(acc6, y + (6 * stride));
        TRows.Store(acc7, y + (7 * stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* x, long xStride, float* w, int length, float* y, long stride, bool sum)
    {
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows acc1 = sum ? TRows.Load(y + stride) : TRows.Zero;
        TRows acc2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero;
        TRows acc3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero;
        float* x1 = x + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
        for (int k = 0; k < length; k++, w += 16)
        {
            TRows v = TRows.Load(w);
            acc0 = TRows.MultiplyAdd(v, TRows.Splat(x[k]), acc0);
            acc1 = TRows.MultiplyAdd(v, TRows.Splat(x1[k]), acc1);
            acc2 = TRows.MultiplyAdd(v, TRows.Splat(x2[k]), acc2);
            acc3 = TRows.MultiplyAdd(v, TRows.Splat(x3[k]), acc3);
        }

        TRows.Store(acc0, y);
        TRows.Store(acc1, y + stride);
        TRows.Store(acc2, y + (2 * stride));
        TRows.Store(acc3, y + (3 * stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* x, float* w, int length, float* y, bool sum)
    {
        TRows acc = sum ? TRows.Load(y) : TRows.Zero;
        for (int k = 0; k < length; k++, w += 16) acc = TRows.MultiplyAdd(TRows.Load(w), TRows.Splat(x[k]), acc);
        TRows.Store(acc, y);
    }
}
