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
        if (a->Rows < 4)
        {
            for (int p = first; p < first + count; p++)
                for (int row = 0; row < a->Rows; row++) SingleRow(a, p, row);
            return;
        }

        byte* memory = stackalloc byte[(MaxUnpacked * 64) + 64];
        float* unpacked = (float*)(((nint)memory + 63) & -64);
        for (int p = first; p < first + count; p++)
        {
            byte* panel = a->Weights + (p * a->PanelBytes);
            for (int k = 0; k < a->Inputs; k += MaxUnpacked)
            {
                int length = Math.Min(a->Inputs - k, MaxUnpacked);
                float* w = (float*)(panel + ((long)k * 16 * TElement.Bytes));
                if (TElement.Bytes != 4)
                {
                    Unpack((byte*)w, unpacked, length);
                    w = unpacked;
                }

                int row = 0;
                if (Vector512.IsHardwareAccelerated)
                    for (; row <= a->Rows - 8; row += 8) EightRows(a, w, p, row, k, length);
                for (; row <= a->Rows - 4; row += 4) FourRows(a, w, p, row, k, length);
                for (; row < a->Rows; row++) OneRow(a, w, p, row, k, length);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow(PanelArguments* a, int panel, int row)
    {
        byte* w = a->Weights + (panel * a->PanelBytes);
        float* x = a->X + ((long)row * a->XStride);
        TRows acc0 = PanelOutput.Initial<TRows>(a, panel, row, 0), acc1 = TRows.Zero, acc2 = TRows.Zero, acc3 = TRows.Zero;
        int k = 0;
        for (; k <= a->Inputs - 4; k += 4, w += 64 * TElement.Bytes)
        {
            acc0 = TRows.MultiplyAdd(TElement.Load<TRows>(w), TRows.Splat(x[k]), acc0);
            acc1 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (16 * TElement.Bytes)), TRows.Splat(x[k + 1]), acc1);
            acc2 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (32 * TElement.Bytes)), TRows.Splat(x[k + 2]), acc2);
            acc3 = TRows.MultiplyAdd(TElement.Load<TRows>(w + (48 * TElement.Bytes)), TRows.Splat(x[k + 3]), acc3);
        }

        for (; k < a->Inputs; k++, w += 16 * TElement.Bytes) acc0 = TRows.MultiplyAdd(TElement.Load<TRows>(w), TRows.Splat(x[k]), acc0);
        PanelOutput.Store(a, panel, row, acc0 + acc1 + (acc2 + acc3));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* source, float* target, int length)
    {
        for (int k = 0; k < length; k++) TRows.Store(TElement.Load<TRows>(source + (k * 16 * TElement.Bytes)), target + (16 * k));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows(PanelArguments* a, float* w, int panel, int row, int start, int length)
    {
        long stride = a->XStride;
        float* x0 = a->X + (row * stride) + start, x3 = x0 + (3 * stride), x6 = x0 + (6 * stride);
        TRows acc0 = PanelOutput.Initial<TRows>(a, panel, row, start), acc1 = PanelOutput.Initial<TRows>(a, panel, row + 1, start);
        TRows acc2 = PanelOutput.Initial<TRows>(a, panel, row + 2, start), acc3 = PanelOutput.Initial<TRows>(a, panel, row + 3, start);
        TRows acc4 = PanelOutput.Initial<TRows>(a, panel, row + 4, start), acc5 = PanelOutput.Initial<TRows>(a, panel, row + 5, start);
        TRows acc6 = PanelOutput.Initial<TRows>(a, panel, row + 6, start), acc7 = PanelOutput.Initial<TRows>(a, panel, row + 7, start);
        for (int k = 0; k < length; k++)
        {
            TRows v = TRows.Load(w);
            acc0 = TRows.MultiplyAdd(v, TRows.Splat(x0[0]), acc0);
            acc1 = TRows.MultiplyAdd(v, TRows.Splat(x0[stride]), acc1);
            acc2 = TRows.MultiplyAdd(v, TRows.Splat(x0[2 * stride]), acc2);
            acc3 = TRows.MultiplyAdd(v, TRows.Splat(x3[0]), acc3);
            acc4 = TRows.MultiplyAdd(v, TRows.Splat(x3[stride]), acc4);
            acc5 = TRows.MultiplyAdd(v, TRows.Splat(x3[2 * stride]), acc5);
            acc6 = TRows.MultiplyAdd(v, TRows.Splat(x6[0]), acc6);
            acc7 = TRows.MultiplyAdd(v, TRows.Splat(x6[stride]), acc7);
            w += 16;
            x0++;
            x3++;
            x6++;
        }

        PanelOutput.Store(a, panel, row, acc0);
        PanelOutput.Store(a, panel, row + 1, acc1);
        PanelOutput.Store(a, panel, row + 2, acc2);
        PanelOutput.Store(a, panel, row + 3, acc3);
        PanelOutput.Store(a, panel, row + 4, acc4);
        PanelOutput.Store(a, panel, row + 5, acc5);
        PanelOutput.Store(a, panel, row + 6, acc6);
        PanelOutput.Store(a, panel, row + 7, acc7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(PanelArguments* a, float* w, int panel, int row, int start, int length)
    {
        float* x0 = a->X + ((long)row * a->XStride) + start;
        float* x1 = x0 + a->XStride, x2 = x1 + a->XStride, x3 = x2 + a->XStride;
        TRows acc0 = PanelOutput.Initial<TRows>(a, panel, row, start), acc1 = PanelOutput.Initial<TRows>(a, panel, row + 1, start);
        TRows acc2 = PanelOutput.Initial<TRows>(a, panel, row + 2, start), acc3 = PanelOutput.Initial<TRows>(a, panel, row + 3, start);
        for (int k = 0; k < length; k++, w += 16)
        {
            TRows v = TRows.Load(w);
            acc0 = TRows.MultiplyAdd(v, TRows.Splat(x0[k]), acc0);
            acc1 = TRows.MultiplyAdd(v, TRows.Splat(x1[k]), acc1);
            acc2 = TRows.MultiplyAdd(v, TRows.Splat(x2[k]), acc2);
            acc3 = TRows.MultiplyAdd(v, TRows.Splat(x3[k]), acc3);
        }

        PanelOutput.Store(a, panel, row, acc0);
        PanelOutput.Store(a, panel, row + 1, acc1);
        PanelOutput.Store(a, panel, row + 2, acc2);
        PanelOutput.Store(a, panel, row + 3, acc3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(PanelArguments* a, float* w, int panel, int row, int start, int length)
    {
        float* x = a->X + ((long)row * a->XStride) + start;
        TRows acc = PanelOutput.Initial<TRows>(a, panel, row, start);
        for (int k = 0; k < length; k++, w += 16) acc = TRows.MultiplyAdd(TRows.Load(w), TRows.Splat(x[k]), acc);
        PanelOutput.Store(a, panel, row, acc);
    }
}
