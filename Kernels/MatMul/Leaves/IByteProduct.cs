using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>How an instruction set multiplies a register of weights by a register of activations: the smallest part of a leaf.</summary>
/// <typeparam name="TSums">Sums of 32 bits.</typeparam>
/// <typeparam name="TWeights">Unsigned bytes, four per sum.</typeparam>
/// <typeparam name="TX">Signed bytes, four per sum.</typeparam>
internal interface IByteProduct<TSums, TWeights, TX>
{
    /// <summary>The part of the zero point that is taken off every weight.</summary>
    static abstract int ZeroPoint { get; }

    /// <summary>Rows of a tile whose sums there are registers for.</summary>
    static virtual int TileRows => 4;

    /// <summary>Weights as <see cref="MultiplyAdd"/> takes them. Done once where several rows use a weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual TWeights Prepare(TWeights weights) => weights;

    /// <summary>sum += Σ_{i&lt;4} (weights[i] − ZeroPoint) · x[i], with prepared weights.</summary>
    static abstract TSums MultiplyAdd(TSums sums, TWeights weights, TX x);
}
