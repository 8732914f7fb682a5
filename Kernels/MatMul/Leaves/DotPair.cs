using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Twice the sums of <typeparamref name="T"/>: two registers of a panel, or two panels side by side.</summary>
internal unsafe struct DotPair<T, TBytes, TFloats> : IDotLanes<DotPair<T, TBytes, TFloats>, BytePair<TBytes>, FloatPair<TFloats>>
    where T : unmanaged, IDotLanes<T, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    private T _low, _high;

    public static int ZeroPoint => T.ZeroPoint;

    public static bool PairedSums => T.PairedSums;

    /// <summary>A panel that takes several registers leaves none for a second one.</summary>
    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DotPair<T, TBytes, TFloats> Start(int compensation)
    {
        T sums = T.Start(compensation);
        return new() { _low = sums, _high = sums };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(BytePair<TBytes> weights, BytePair<TBytes> x)
    {
        _low.MultiplyAdd(weights.Low, x.Low);
        _high.MultiplyAdd(weights.High, x.High);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> Prepare(BytePair<TBytes> weights) => new(T.Prepare(weights.Low), T.Prepare(weights.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> Activations(sbyte* x, int quad)
    {
        TBytes both = T.Activations(x, quad);
        return new(both, both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyPrepared(ref DotPair<T, TBytes, TFloats> sums, BytePair<TBytes> weights, BytePair<TBytes> x, int quad)
    {
        T.MultiplyPrepared(ref sums._low, weights.Low, x.Low, quad);
        T.MultiplyPrepared(ref sums._high, weights.High, x.High, quad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<TFloats> ToSingle(DotPair<T, TBytes, TFloats> sums) => new(T.ToSingle(sums._low), T.ToSingle(sums._high));
}
