using System.Runtime.CompilerServices;

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
/// Many rows: two panels at a time go through <see cref="FloatTile{TRows}"/>; half-width ones are widened once per <see cref="MaxUnpacked"/> k (2 · 16 KB, within L1).
/// One row: four accumulators hide the latency of the multiply-add, and weights are widened in registers.
/// </remarks>
internal static unsafe class FloatPanelProduct<TElement, TRows>
    where TElement : struct, IFloatElement
    where TRows : unmanaged, IRowLanes<TRows>
{
    private const int MaxUnpacked = 256;

    [SkipLocalsInit]
    public static void Run(PanelArguments* a, int first, int count)
    {
        bool few = a->Rows < 4, widen = !few && TElement.Bytes != 4;
        byte* memory = stackalloc byte[widen ? (2 * MaxUnpacked * 64) + 64 : 64];
        float* copy = stackalloc float[PanelOutput.MaxRows * 16];
        float* unpacked = (float*)(((nint)memory + 63) & -64);
        for (int p = first; p < first + count; p++)
        {
            if (few)
            {
                FewRows(a, p, copy);
                continue;
            }

            bool pair = p + 1 < first + count && (16 * p) + 32 <= a->Outputs;
            int panels = pair ? 2 : 1;
            for (int k = 0; k < a->Inputs; k += MaxUnpacked)
            {
                int length = Math.Min(a->Inputs - k, MaxUnpacked);
                byte* source = a->Weights + (p * a->PanelBytes) + ((long)k * 16 * TElement.Bytes);
                float* w = (float*)source;
                long panelStride = a->PanelBytes / 4;
                if (widen)
                {
                    w = unpacked;
                    panelStride = 16 * MaxUnpacked;
                    for (int i = 0; i < panels; i++) Unpack(source + (i * a->PanelBytes), unpacked + (i * panelStride), length);
                }

                for (int row = 0; row < a->Rows; row += PanelOutput.MaxRows)
                {
                    int rows = Math.Min(PanelOutput.MaxRows, a->Rows - row);
                    var left = new PanelOutput(a, p, copy);
                    bool sum = left.Begin(row, rows, k, out float* y);
                    if (pair) sum = new PanelOutput(a, p + 1, copy).Begin(row, rows, k, out _);
                    FloatTile<TRows>.Multiply(a->X + ((long)row * a->XStride) + k, a->XStride, rows, w, 16, panelStride, panels, length, y, left.Stride, sum);
                    left.End(row, rows);
                }
            }

            if (pair) p++;
        }
    }

    private static void FewRows(PanelArguments* a, int panel, float* copy)
    {
        var output = new PanelOutput(a, panel, copy);
        for (int row = 0; row < a->Rows; row++)
        {
            bool sum = output.Begin(row, 1, 0, out float* y);
            SingleRow(a, a->Weights + (panel * a->PanelBytes), row, y, sum);
            output.End(row, 1);
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
            CacheHint.Stream(w, 64 * TElement.Bytes);
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
}
