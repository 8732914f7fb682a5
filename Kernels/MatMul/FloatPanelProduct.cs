using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>How 16 weights of one k lie in a float panel.</summary>
internal unsafe interface IFloatElement
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Widens 16 weights.</summary>
    static abstract T Load<T>(byte* source)
        where T : unmanaged, IFloatLanes<T>;
}

/// <summary>
/// y[r, o] = Σ_k w[o, k]·x[r, k] in float32 for panels of 16 outputs stored as [k][16], in single, half or bfloat16.
/// </summary>
/// <remarks>
/// Many rows: two panels at a time go through <see cref="FloatTile{T}"/>; half-width ones are widened once per <see cref="MaxUnpacked"/> k (2 · 16 KB, within L1).
/// Few rows: four sums hide the latency of the multiply-add, and weights are widened in registers.
/// </remarks>
/// <typeparam name="TElement">The weights' type.</typeparam>
/// <typeparam name="T">16 floats.</typeparam>
internal static unsafe class FloatPanelProduct<TElement, T>
    where TElement : struct, IFloatElement
    where T : unmanaged, IFloatLanes<T>
{
    private const int MaxUnpacked = 256;

    /// <summary>Computes panels <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    [SkipLocalsInit]
    public static void Run(PanelArguments* a, int first, int count)
    {
        float* copy = stackalloc float[PanelOutput<T>.MaxRows * Panel.Outputs];
        if (a->Rows < Panel.ManyRows)
        {
            for (int p = first; p < first + count; p++) FewRows(a, p, copy);
            return;
        }

        byte* memory = stackalloc byte[TElement.Bytes == sizeof(float) ? Panel.Alignment : (2 * MaxUnpacked * Panel.Outputs * sizeof(float)) + Panel.Alignment];
        float* unpacked = (float*)(((nint)memory + Panel.Alignment - 1) & -Panel.Alignment);
        int panels;
        for (int p = first; p < first + count; p += panels)
        {
            panels = p + 1 < first + count && Panel.Outputs * (p + 2) <= a->Outputs ? 2 : 1;
            if (panels == 2) ManyRows<FloatPair<T>>(a, p, unpacked, copy);
            else ManyRows<T>(a, p, unpacked, copy);
        }
    }

    private static void ManyRows<TColumns>(PanelArguments* a, int panel, float* unpacked, float* copy)
        where TColumns : unmanaged, IFloatLanes<TColumns>
    {
        int panels = TColumns.Count / Panel.Outputs;
        var output = new PanelOutput<TColumns>(a, panel, copy);
        for (int k = 0; k < a->Inputs; k += MaxUnpacked)
        {
            int length = Math.Min(a->Inputs - k, MaxUnpacked);
            byte* source = a->Weights + (panel * a->PanelBytes) + ((long)k * Panel.Outputs * TElement.Bytes);
            float* w = (float*)source;
            long panelStride = a->PanelBytes / sizeof(float);
            if (TElement.Bytes != sizeof(float))
            {
                w = unpacked;
                panelStride = Panel.Outputs * MaxUnpacked;
                for (int i = 0; i < panels; i++) Unpack(source + (i * a->PanelBytes), unpacked + (i * panelStride), length);
            }

            for (int row = 0; row < a->Rows; row += PanelOutput<T>.MaxRows)
            {
                int rows = Math.Min(PanelOutput<T>.MaxRows, a->Rows - row);
                bool accumulate = output.Begin(row, rows, k, out float* y);
                FloatTile<T>.Multiply(
                    a->X + ((long)row * a->XStride) + k, a->XStride, rows, w, Panel.Outputs, panelStride, panels, length, y, output.Stride, accumulate);
                output.End(row, rows);
            }
        }
    }

    private static void FewRows(PanelArguments* a, int panel, float* copy)
    {
        var output = new PanelOutput<T>(a, panel, copy);
        for (int row = 0; row < a->Rows; row++)
        {
            bool accumulate = output.Begin(row, 1, 0, out float* y);
            SingleRow(a, a->Weights + (panel * a->PanelBytes), row, y, accumulate);
            output.End(row, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow(PanelArguments* a, byte* w, int row, float* y, bool accumulate)
    {
        int step = Panel.Outputs * TElement.Bytes;
        float* x = a->X + ((long)row * a->XStride);
        T sum0 = accumulate ? T.Load(y) : T.Zero, sum1 = T.Zero, sum2 = T.Zero, sum3 = T.Zero;
        int k = 0;
        for (; k <= a->Inputs - 4; k += 4, w += 4 * step)
        {
            CacheHint.Stream(w, 4 * step);
            sum0 = T.MultiplyAdd(TElement.Load<T>(w), T.Splat(x[k]), sum0);
            sum1 = T.MultiplyAdd(TElement.Load<T>(w + step), T.Splat(x[k + 1]), sum1);
            sum2 = T.MultiplyAdd(TElement.Load<T>(w + (2 * step)), T.Splat(x[k + 2]), sum2);
            sum3 = T.MultiplyAdd(TElement.Load<T>(w + (3 * step)), T.Splat(x[k + 3]), sum3);
        }

        for (; k < a->Inputs; k++, w += step) sum0 = T.MultiplyAdd(TElement.Load<T>(w), T.Splat(x[k]), sum0);
        T.Store(sum0 + sum1 + (sum2 + sum3), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* source, float* target, int length)
    {
        for (int k = 0; k < length; k++) T.Store(TElement.Load<T>(source + (k * Panel.Outputs * TElement.Bytes)), target + (Panel.Outputs * k));
    }
}
