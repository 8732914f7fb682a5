using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>AVX-VNNI's <c>vpdpbusd</c>.</summary>
internal readonly struct VnniProduct256 : IByteProduct<Vector256<int>, Vector256<byte>, Vector256<sbyte>>
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<byte> weights, Vector256<sbyte> x) => AvxVnni.MultiplyWideningAndAdd(sums, weights, x);
}

/// <summary>16 sums of 32 bits in two 256-bit registers by AVX-VNNI, on a machine that has AVX-512 for the rest.</summary>
internal struct VnniDot256x2 : IDotLanes<VnniDot256x2, UInt8x32x2, Float32x16>
{
    private Vector256<int> _low, _high;

    public static int ZeroPoint => 0;

    public static bool PairedSums => false;

    /// <summary>The JIT keeps the target of <c>vpdpbusd</c> within the lower 16 registers: one panel of four rows takes eight of them.</summary>
    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniDot256x2 Start(int compensation)
    {
        var v = Vector256.Create(compensation);
        return new() { _low = v, _high = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x32x2 weights, UInt8x32x2 x)
    {
        _low = AvxVnni.MultiplyWideningAndAdd(_low, weights.Low, x.Low.AsSByte());
        _high = AvxVnni.MultiplyWideningAndAdd(_high, weights.High, x.High.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 ToSingle(VnniDot256x2 sums) =>
        new(Vector512.ConvertToSingle(Avx512F.InsertVector256(sums._low.ToVector512Unsafe(), sums._high, 1)));
}

#if NET11_0_OR_GREATER
/// <summary><c>vpdpbusd</c> on 512 bits.</summary>
internal readonly struct VnniProduct512 : IByteProduct<Vector512<int>, Vector512<byte>, Vector512<sbyte>>
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<int> sums, Vector512<byte> weights, Vector512<sbyte> x) => AvxVnni.V512.MultiplyWideningAndAdd(sums, weights, x);
}
#endif
