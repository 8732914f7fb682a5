using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>16 sums of 32 bits in two 256-bit registers.</summary>
internal struct Dot256<TProduct> : IDotLanes<Dot256<TProduct>, UInt8x32x2, Float32x8x2>
    where TProduct : struct, IByteProduct<Vector256<int>, Vector256<byte>, Vector256<sbyte>>
{
    private Vector256<int> _low, _high;

    public static int ZeroPoint => TProduct.ZeroPoint;

    public static bool PairedSums => false;

    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dot256<TProduct> Start(int compensation)
    {
        var v = Vector256.Create(compensation);
        return new() { _low = v, _high = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x32x2 weights, UInt8x32x2 x)
    {
        _low = TProduct.MultiplyAdd(_low, weights.Low, x.Low.AsSByte());
        _high = TProduct.MultiplyAdd(_high, weights.High, x.High.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 ToSingle(Dot256<TProduct> sums) =>
        new() { Low = Vector256.ConvertToSingle(sums._low), High = Vector256.ConvertToSingle(sums._high) };
}
