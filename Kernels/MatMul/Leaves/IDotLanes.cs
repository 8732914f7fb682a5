using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// A register of running integer dot products, one per output: what differs between instruction sets in a quantised matrix product. Each leaf is one small struct, the files
/// of this folder hold them by instruction set, and <see cref="PanelKernel"/> has the table. All give the same integers.
/// </summary>
/// <remarks>
/// <code>
/// weights   w0 w1 w2 w3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …     four consecutive k of output 0, of output 1, of output 2, …
/// x         x0 x1 x2 x3 | x0 x1 x2 x3 | x0 x1 x2 x3 | …     the same four k of one row of activations, broadcast
/// sums      s           | s           | s           | …     s += w0·x0 + w1·x1 + w2·x2 + w3·x3
/// </code>
/// </remarks>
/// <typeparam name="T">The sums.</typeparam>
/// <typeparam name="TBytes">The weights: four bytes per sum.</typeparam>
/// <typeparam name="TFloats">A float per sum.</typeparam>
internal unsafe interface IDotLanes<T, TBytes, TFloats>
    where T : unmanaged, IDotLanes<T, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    /// <summary>The part of the zero point that the leaf takes off every weight by itself; the rest comes with the compensation. Leaves that multiply signed bytes take off 128.</summary>
    static abstract int ZeroPoint { get; }

    /// <summary>
    /// True if a sum is kept as a pair of 16 bits, of k mod 4 in {0, 1} and of k mod 4 in {2, 3}: then the compensation is such a pair too, and weights are limited to 31.
    /// </summary>
    static abstract bool PairedSums { get; }

    /// <summary>The rows and panels whose sums there are registers for; see <see cref="QuantizedTile{TFormat, TDot, TBytes, TFloats}"/>.</summary>
    static abstract RegisterTile Tile { get; }

    /// <summary>All sums start at the 32 bits of <paramref name="compensation"/>.</summary>
    static abstract T Start(int compensation);

    /// <summary>sum += Σ_{i&lt;4} (w[i] − ZeroPoint) · x[i].</summary>
    /// <param name="weights">Unsigned bytes.</param>
    /// <param name="x">Signed bytes: a quad of activations, broadcast by <see cref="IByteLanes{T}.SplatQuad"/>.</param>
    void MultiplyAdd(TBytes weights, TBytes x);

    // Three steps that a loop over many quads takes in place of MultiplyAdd. A leaf replaces them where it can do a part of the work once for several products.

    /// <summary>Weights as <see cref="MultiplyPrepared"/> takes them, which is how a tile's unpacked panels hold them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual TBytes Prepare(TBytes weights) => weights;

    /// <summary>Activations as <see cref="MultiplyPrepared"/> takes them.</summary>
    /// <param name="x">16 activations, or fewer if the later quads are not asked for; all 16 must be readable.</param>
    /// <param name="quad">Which four of them: 0 … 3, a constant.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual TBytes Activations(sbyte* x, int quad) => TBytes.SplatQuad(x + (Panel.Quad * quad));

    /// <summary>What <see cref="MultiplyAdd"/> computes, of prepared weights and activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual void MultiplyPrepared(ref T sums, TBytes weights, TBytes x, int quad) => sums.MultiplyAdd(weights, x);

    static abstract TFloats ToSingle(T sums);
}
