using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>16 sums of 32 bits in one 512-bit register.</summary>
internal struct Dot512<TProduct> : IDotLanes<Dot512<TProduct>, UInt8x64, Float32x16>
    where TProduct : struct, IByteProduct<Vector512<int>, Vector512<byte>, Vector512<sbyte>>
{
    private Vector512<int> _v;

    public static int ZeroPoint => TProduct.ZeroPoint;

    public static bool PairedSums => false;

    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dot512<TProduct> Start(int compensation)
    {
        var v = Vector512.Create(compensation);
        return new() { _v = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x64 weights, UInt8x64 x)
    {
        _v = TProduct.MultiplyAdd(_v, weights.V, x.V.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 ToSingle(Dot512<TProduct> sums) => new(Vector512.ConvertToSingle(sums._v));
}
