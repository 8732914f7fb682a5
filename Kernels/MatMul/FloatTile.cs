using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Y[r, 16·p + lane] (+)= Σ_k X[r, k]·W[p][k, lane] in float32: the register tile under the float matrix products and both products of attention.
/// </summary>
/// <remarks>
/// <para>
/// A panel is 16 columns wide; row k of it lies at <c>w + k · wStride</c>. With 32 registers of 512 bits a tile is 8 rows × 2 panels: 16 sums, and per k two loads and eight broadcasts
/// feed 16 multiply-adds (one panel would need nine loads for eight, more than the load ports give). With 16 registers of 256 bits it is 4 rows × 1 panel.
/// </para>
/// <para>
/// Rows and panels of a tile are types: <see cref="FloatRowPair{TRows, T}"/> of <see cref="FloatRowPair{TRows, T}"/> of <see cref="OneFloatRow{T}"/> are four rows, a
/// <see cref="FloatPair{T}"/> of 16 floats is two panels. The JIT takes them apart into registers. No method here calls anything: a call would make it spill every sum that lives across it.
/// </para>
/// </remarks>
/// <typeparam name="T">16 floats.</typeparam>
internal static unsafe class FloatTile<T>
    where T : unmanaged, IFloatLanes<T>
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
    /// <param name="accumulate">True to add to Y.</param>
    public static void Multiply(
        float* x, long xStride, int rows, float* w, long wStride, long panelStride, int panels, int length, float* y, long yStride, bool accumulate)
    {
        int p = 0;
        if (T.Tile.Panels == 2)
        {
            for (; p <= panels - 2; p += 2)
            {
                AllRows<FloatPair<T>, TwoPanels<T>>(
                    x, xStride, rows, w + (p * panelStride), wStride, panelStride, length, y + (Panel.Outputs * p), yStride, accumulate);
            }
        }

        for (; p < panels; p++)
            AllRows<T, OnePanel<T>>(x, xStride, rows, w + (p * panelStride), wStride, panelStride, length, y + (Panel.Outputs * p), yStride, accumulate);
    }

    private static void AllRows<TColumns, TPanels>(
        float* x, long xStride, int rows, float* w, long wStride, long panelStride, int length, float* y, long yStride, bool accumulate)
        where TColumns : unmanaged, IFloatLanes<TColumns>
        where TPanels : struct, IPanelLoad<TColumns>
    {
        int row = 0;
        for (; T.Tile.Rows == 8 && TColumns.Count > Panel.Outputs && row <= rows - 8; row += 8)
        {
            Tile<FloatRowPair<FloatRowPair<FloatRowPair<OneFloatRow<TColumns>, TColumns>, TColumns>, TColumns>, TColumns, TPanels>(
                x + (row * xStride), xStride, w, wStride, panelStride, length, y + (row * yStride), yStride, accumulate);
        }

        for (; row <= rows - 4; row += 4)
        {
            Tile<FloatRowPair<FloatRowPair<OneFloatRow<TColumns>, TColumns>, TColumns>, TColumns, TPanels>(
                x + (row * xStride), xStride, w, wStride, panelStride, length, y + (row * yStride), yStride, accumulate);
        }

        for (; row < rows; row++)
        {
            Tile<OneFloatRow<TColumns>, TColumns, TPanels>(
                x + (row * xStride), xStride, w, wStride, panelStride, length, y + (row * yStride), yStride, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows, TColumns, TPanels>(
        float* x, long xStride, float* w, long wStride, long panelStride, int length, float* y, long yStride, bool accumulate)
        where TRows : unmanaged, IFloatRows<TRows, TColumns>
        where TColumns : unmanaged, IFloatLanes<TColumns>
        where TPanels : struct, IPanelLoad<TColumns>
    {
        TRows rows = TRows.Load(x, xStride, y, yStride, accumulate);
        for (long k = 0; k < length; k++, w += wStride) rows.MultiplyAdd(TPanels.Load(w, panelStride), k);
        rows.Store(y, yStride);
    }
}

/// <summary>Where the columns of a tile come from.</summary>
internal unsafe interface IPanelLoad<TColumns>
    where TColumns : unmanaged, IFloatLanes<TColumns>
{
    static abstract TColumns Load(float* w, long panelStride);
}

/// <summary>16 columns: one panel.</summary>
internal readonly unsafe struct OnePanel<T> : IPanelLoad<T>
    where T : unmanaged, IFloatLanes<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(float* w, long panelStride) => T.Load(w);
}

/// <summary>32 columns: two panels, <c>panelStride</c> apart.</summary>
internal readonly unsafe struct TwoPanels<T> : IPanelLoad<FloatPair<T>>
    where T : unmanaged, IFloatLanes<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> Load(float* w, long panelStride) => new(T.Load(w), T.Load(w + panelStride));
}

/// <summary>Some rows of a float tile: where each finds its x, and its sums.</summary>
/// <remarks>They change in place: structs that are passed and returned would cost the JIT moves, and more local variables than the 512 up to which it inlines.</remarks>
/// <typeparam name="TRows">The rows.</typeparam>
/// <typeparam name="T">The sums of one row.</typeparam>
internal unsafe interface IFloatRows<TRows, T>
    where TRows : unmanaged, IFloatRows<TRows, T>
    where T : unmanaged, IFloatLanes<T>
{
    /// <summary>Number of rows.</summary>
    static abstract int Count { get; }

    /// <summary>Begins with what y holds, or with zeros.</summary>
    static abstract TRows Load(float* x, long xStride, float* y, long yStride, bool accumulate);

    /// <summary>Sums of row r += w · x[r, k].</summary>
    void MultiplyAdd(T w, long k);

    /// <summary>Writes the sums.</summary>
    void Store(float* y, long yStride);
}

/// <summary>One row.</summary>
internal unsafe struct OneFloatRow<T> : IFloatRows<OneFloatRow<T>, T>
    where T : unmanaged, IFloatLanes<T>
{
    private T _sum;
    private float* _x;

    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneFloatRow<T> Load(float* x, long xStride, float* y, long yStride, bool accumulate) => new() { _x = x, _sum = accumulate ? T.Load(y) : T.Zero };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(T w, long k) => _sum = T.MultiplyAdd(w, T.Splat(_x[k]), _sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* y, long yStride) => T.Store(_sum, y);
}

/// <summary>Twice the rows of <typeparamref name="TRows"/>.</summary>
internal unsafe struct FloatRowPair<TRows, T> : IFloatRows<FloatRowPair<TRows, T>, T>
    where TRows : unmanaged, IFloatRows<TRows, T>
    where T : unmanaged, IFloatLanes<T>
{
    private TRows _first, _second;

    public static int Count => 2 * TRows.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatRowPair<TRows, T> Load(float* x, long xStride, float* y, long yStride, bool accumulate) => new()
    {
        _first = TRows.Load(x, xStride, y, yStride, accumulate),
        _second = TRows.Load(x + (TRows.Count * xStride), xStride, y + (TRows.Count * yStride), yStride, accumulate),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(T w, long k)
    {
        _first.MultiplyAdd(w, k);
        _second.MultiplyAdd(w, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* y, long yStride)
    {
        _first.Store(y, yStride);
        _second.Store(y + (TRows.Count * yStride), yStride);
    }
}
