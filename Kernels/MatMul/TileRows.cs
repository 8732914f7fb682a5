using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Some rows of a quantised tile: where each finds its x, the integer sums of the present block, and the float sums of all blocks before it.</summary>
/// <remarks>They change in place: structs that are passed and returned would cost the JIT more local variables than the 512 up to which it inlines.</remarks>
/// <typeparam name="TRows">The rows.</typeparam>
/// <typeparam name="TDot">Integer sums of one row.</typeparam>
/// <typeparam name="TBytes">A quad of weights.</typeparam>
/// <typeparam name="TFloats">Float sums of one row.</typeparam>
internal unsafe interface ITileRows<TRows, TDot, TBytes, TFloats>
    where TRows : unmanaged, ITileRows<TRows, TDot, TBytes, TFloats>
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    /// <summary>Number of rows.</summary>
    static abstract int Count { get; }

    /// <summary>Begins with float sums as y holds them, or with zeros.</summary>
    static abstract TRows Load(sbyte* x, long xStride, float* y, long yStride, bool accumulate);

    /// <summary>Begins a block: the integer sums of row r start at compensations[r · stride].</summary>
    void Start(int* compensations, long stride);

    /// <summary>Adds a quad: integer sums of row r += w · x[r, k + 4·quad … + 3]; quad is a constant, 0 … 3, and becomes part of an address or of the instruction.</summary>
    void MultiplyAdd(TBytes w, long k, int quad);

    /// <summary>Ends a block: float sums of row r += integer sums · (scales · xScales[r · stride]).</summary>
    void AddBlock(TFloats scales, float* xScales, long stride);

    /// <summary>Float sums of row r += offsets · scaledSums[r · stride].</summary>
    void AddOffset(TFloats offsets, float* scaledSums, long stride);

    /// <summary>Writes the float sums.</summary>
    void Store(float* y, long yStride);
}

/// <summary>One row.</summary>
internal unsafe struct OneRow<TDot, TBytes, TFloats> : ITileRows<OneRow<TDot, TBytes, TFloats>, TDot, TBytes, TFloats>
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    private TDot _block;
    private TFloats _sum;
    private sbyte* _x;

    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneRow<TDot, TBytes, TFloats> Load(sbyte* x, long xStride, float* y, long yStride, bool accumulate) =>
        new() { _x = x, _sum = accumulate ? TFloats.Load(y) : TFloats.Zero };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Start(int* compensations, long stride) => _block = TDot.Start(*compensations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(TBytes w, long k, int quad) => TDot.MultiplyPrepared(ref _block, w, TDot.Activations(_x + k, quad), quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBlock(TFloats scales, float* xScales, long stride) =>
        _sum = TFloats.MultiplyAdd(TDot.ToSingle(_block), scales * TFloats.Splat(*xScales), _sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOffset(TFloats offsets, float* scaledSums, long stride) => _sum = TFloats.MultiplyAdd(offsets, TFloats.Splat(*scaledSums), _sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* y, long yStride) => TFloats.Store(_sum, y);
}

/// <summary>Twice the rows of <typeparamref name="TRows"/>.</summary>
internal unsafe struct RowPair<TRows, TDot, TBytes, TFloats> : ITileRows<RowPair<TRows, TDot, TBytes, TFloats>, TDot, TBytes, TFloats>
    where TRows : unmanaged, ITileRows<TRows, TDot, TBytes, TFloats>
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    private TRows _first, _second;

    public static int Count => 2 * TRows.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowPair<TRows, TDot, TBytes, TFloats> Load(sbyte* x, long xStride, float* y, long yStride, bool accumulate) => new()
    {
        _first = TRows.Load(x, xStride, y, yStride, accumulate),
        _second = TRows.Load(x + (TRows.Count * xStride), xStride, y + (TRows.Count * yStride), yStride, accumulate),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Start(int* compensations, long stride)
    {
        _first.Start(compensations, stride);
        _second.Start(compensations + (TRows.Count * stride), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(TBytes w, long k, int quad)
    {
        _first.MultiplyAdd(w, k, quad);
        _second.MultiplyAdd(w, k, quad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBlock(TFloats scales, float* xScales, long stride)
    {
        _first.AddBlock(scales, xScales, stride);
        _second.AddBlock(scales, xScales + (TRows.Count * stride), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOffset(TFloats offsets, float* scaledSums, long stride)
    {
        _first.AddOffset(offsets, scaledSums, stride);
        _second.AddOffset(offsets, scaledSums + (TRows.Count * stride), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* y, long yStride)
    {
        _first.Store(y, yStride);
        _second.Store(y + (TRows.Count * yStride), yStride);
    }
}
