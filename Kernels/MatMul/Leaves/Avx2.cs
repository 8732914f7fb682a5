using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>16 sums of 16-bit pairs in two 256-bit registers; see <see cref="Int16Dot512"/>.</summary>
internal struct Int16Dot256 : IDotLanes<Int16Dot256, UInt8x32x2, Float32x8x2>
{
    private Vector256<short> _low, _high;

    public static int ZeroPoint => 0;

    public static bool PairedSums => true;

    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot256 Start(int compensation)
    {
        var v = Vector256.Create(compensation).AsInt16();
        return new() { _low = v, _high = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x32x2 weights, UInt8x32x2 x)
    {
        _low += Avx2.MultiplyAddAdjacent(weights.Low, x.Low.AsSByte());
        _high += Avx2.MultiplyAddAdjacent(weights.High, x.High.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 ToSingle(Int16Dot256 sums) => new()
    {
        Low = Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(sums._low, Vector256<short>.One)),
        High = Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(sums._high, Vector256<short>.One)),
    };
}

/// <summary>Weights up to 127: two products by <c>vpmaddubsw</c> fit 16 bits (2·127·127 = 32,258).</summary>
internal readonly struct PairProduct256 : IByteProduct<Vector256<int>, Vector256<byte>, Vector256<sbyte>>
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<byte> weights, Vector256<sbyte> x) =>
        sums + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(weights, x), Vector256<short>.One);
}

/// <summary>
/// Weights up to 255. <c>vpmaddubsw</c> would saturate at 255·127·2, so the weight (minus 128) gives its magnitude to one side and its sign to the other.
/// </summary>
internal readonly struct SignProduct256 : IByteProduct<Vector256<int>, Vector256<byte>, Vector256<sbyte>>
{
    public static int ZeroPoint => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<byte> weights, Vector256<sbyte> x)
    {
        var signed = (weights ^ Vector256.Create((byte)0x80)).AsSByte();
        var pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(signed), Avx2.Sign(x, signed));
        return sums + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }
}
