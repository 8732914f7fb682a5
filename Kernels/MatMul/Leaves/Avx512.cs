using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// 16 sums of 16-bit pairs in one 512-bit register: <c>vpmaddubsw</c> and <c>vpaddw</c>, 64 products in two instructions, twice the rate of VNNI's 256 bits.
/// The sum of 32 products of weights within −16 … 15 (once the compensation has taken the zero point off) and activations within ±127 fits: 16·127·16 = 32,512
/// per 16-bit half; what wraps around on the way comes back.
/// </summary>
internal struct Int16Dot512 : IDotLanes<Int16Dot512, UInt8x64, Float32x16>
{
    private Vector512<short> _v;

    public static int ZeroPoint => 0;

    public static bool PairedSums => true;

    public static RegisterTile Tile => new(4, 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot512 Start(int compensation) => new() { _v = Vector512.Create(compensation).AsInt16() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x64 weights, UInt8x64 x)
    {
        _v += Avx512BW.MultiplyAddAdjacent(weights.V, x.V.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 ToSingle(Int16Dot512 sums) => new(Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(sums._v, Vector512<short>.One)));
}

/// <summary>Weights up to 127: two products by <c>vpmaddubsw</c> fit 16 bits (2·127·127 = 32,258).</summary>
internal readonly struct PairProduct512 : IByteProduct<Vector512<int>, Vector512<byte>, Vector512<sbyte>>
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<int> sums, Vector512<byte> weights, Vector512<sbyte> x) =>
        sums + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(weights, x), Vector512<short>.One);
}

/// <summary>Weights up to 255 without VNNI: bytes are widened to 16 bits and multiplied by <c>vpmaddwd</c>.</summary>
internal readonly struct WideProduct512 : IByteProduct<Vector512<int>, Vector512<byte>, Vector512<sbyte>>
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<int> sums, Vector512<byte> weights, Vector512<sbyte> x)
    {
        // Even and odd bytes as 16-bit integers: (w0, w2) and (w1, w3) of each output.
        var even = (weights.AsUInt16() & Vector512.Create((ushort)0xFF)).AsInt16();
        var odd = (weights.AsUInt16() >>> 8).AsInt16();
        var xEven = (x.AsInt16() << 8) >> 8;
        var xOdd = x.AsInt16() >> 8;
        return sums + Avx512BW.MultiplyAddAdjacent(even, xEven) + Avx512BW.MultiplyAddAdjacent(odd, xOdd);
    }
}
