using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.MatMul;

/// <summary>64 bytes in one 512-bit register.</summary>
internal readonly unsafe struct Bytes512 : IByteLanes<Bytes512>
{
    public readonly Vector512<byte> V;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes512(Vector512<byte> v) => V = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Load(byte* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes512 value, byte* target) => value.V.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Splat(byte value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 operator &(Bytes512 a, Bytes512 b) => new(a.V & b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 operator |(Bytes512 a, Bytes512 b) => new(a.V | b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 operator ^(Bytes512 a, Bytes512 b) => new(a.V ^ b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 ShiftRight(Bytes512 a, int count) => new((a.V.AsUInt16() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 ShiftLeft(Bytes512 a, int count) => new((a.V.AsUInt16() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 LookUp(byte* table, Bytes512 indices)
    {
        var quarter = Vector128.Load(table);
        var half = Vector256.Create(quarter, quarter);
        return new(Avx512BW.Shuffle(Vector512.Create(half, half), indices.V));
    }
}

/// <summary>16 floats in one 512-bit register.</summary>
internal readonly unsafe struct Rows512 : IRowLanes<Rows512>
{
    public readonly Vector512<float> V;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Rows512(Vector512<float> v) => V = v;

    public static int TilePanels => 2;

    public static Rows512 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Rows512 value, float* target) => value.V.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 Splat(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 operator +(Rows512 a, Rows512 b) => new(a.V + b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 operator *(Rows512 a, Rows512 b) => new(a.V * b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 MultiplyAdd(Rows512 a, Rows512 b, Rows512 c) => new(Avx512F.FusedMultiplyAdd(a.V, b.V, c.V));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 LoadHalf(ushort* source)
    {
        // Sign-extended and shifted by 13 the half lies in a float's fields; its exponent is short by 112 and the copies of the sign are masked.
        var wide = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source));
        var bits = (wide << 13) & Vector512.Create(unchecked((int)0x8FFFFFFF));
        return new(bits.AsSingle() * Vector512.Create(HalfScale.Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 LoadBFloat(ushort* source) => new((Avx512F.ConvertToVector512Int32(Vector256.Load(source)) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 LoadUInt8(byte* source) => new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 LoadInt8(sbyte* source) => new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));
}

/// <summary>2¹¹²: what the exponent of a half is short by after its bits were shifted into a float.</summary>
internal static class HalfScale
{
    public const float Value = 5.192296858534828e33f;
}

/// <summary>
/// 16-bit sums in one 512-bit register: <c>vpmaddubsw</c> and <c>vpaddw</c>, 64 products in two instructions, twice the rate of VNNI's 256 bits.
/// The sum of 32 products of weights within −16 … 15 (after the start value took the offset away) and activations within ±127 fits: 16·127·16 = 32,512
/// per 16-bit half; what wraps around on the way comes back.
/// </summary>
internal readonly unsafe struct Int16Dot512 : IDotLanes<Int16Dot512, Bytes512, Rows512>
{
    private readonly Vector512<short> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Int16Dot512(Vector512<short> v) => _v = v;

    public static int Bias => 0;

    public static bool PairedSums => true;

    public static int TilePanels => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot512 Start(int value) => new(Vector512.Create(value).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot512 MultiplyAdd(Int16Dot512 sums, Bytes512 weights, sbyte* activations) =>
        new(sums._v + Avx512BW.MultiplyAddAdjacent(weights.V, Vector512.Create(*(int*)activations).AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 ToSingle(Int16Dot512 sums) =>
        new(Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(sums._v, Vector512<short>.One)));
}

/// <summary>32-bit sums in two 256-bit registers by AVX-VNNI's <c>vpdpbusd</c>, on a machine that has AVX-512 for the rest.</summary>
internal readonly unsafe struct VnniDot512 : IDotLanes<VnniDot512, Bytes256, Rows512>
{
    private readonly Vector256<int> _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private VnniDot512(Vector256<int> low, Vector256<int> high) => (_low, _high) = (low, high);

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniDot512 Start(int value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniDot512 MultiplyAdd(VnniDot512 sums, Bytes256 weights, sbyte* activations)
    {
        var x = Vector256.Create(*(int*)activations).AsSByte();
        return new(AvxVnni.MultiplyWideningAndAdd(sums._low, weights.Low, x), AvxVnni.MultiplyWideningAndAdd(sums._high, weights.High, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 ToSingle(VnniDot512 sums) =>
        new(Vector512.ConvertToSingle(Avx512F.InsertVector256(sums._low.ToVector512Unsafe(), sums._high, 1)));
}

/// <summary>32-bit sums in one 512-bit register without VNNI, of weights up to 127: two products by <c>vpmaddubsw</c> fit 16 bits (2·127·127 = 32,258).</summary>
internal readonly unsafe struct PairDot512 : IDotLanes<PairDot512, Bytes512, Rows512>
{
    private readonly Vector512<int> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PairDot512(Vector512<int> v) => _v = v;

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairDot512 Start(int value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairDot512 MultiplyAdd(PairDot512 sums, Bytes512 weights, sbyte* activations)
    {
        var pairs = Avx512BW.MultiplyAddAdjacent(weights.V, Vector512.Create(*(int*)activations).AsSByte());
        return new(sums._v + Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 ToSingle(PairDot512 sums) => new(Vector512.ConvertToSingle(sums._v));
}

/// <summary>
/// 32-bit sums in one 512-bit register without VNNI: bytes are widened to 16 bits and multiplied by <c>vpmaddwd</c>.
/// </summary>
internal readonly unsafe struct WideDot512 : IDotLanes<WideDot512, Bytes512, Rows512>
{
    private readonly Vector512<int> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WideDot512(Vector512<int> v) => _v = v;

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideDot512 Start(int value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideDot512 MultiplyAdd(WideDot512 sums, Bytes512 weights, sbyte* activations)
    {
        // Even and odd bytes as 16-bit integers: (w0, w2) and (w1, w3) of each row.
        var x = Vector512.Create(*(int*)activations);
        var even = (weights.V.AsUInt16() & Vector512.Create((ushort)0xFF)).AsInt16();
        var odd = (weights.V.AsUInt16() >>> 8).AsInt16();
        var xEven = (x.AsInt16() << 8) >> 8;
        var xOdd = x.AsInt16() >> 8;
        return new(sums._v + Avx512BW.MultiplyAddAdjacent(even, xEven) + Avx512BW.MultiplyAddAdjacent(odd, xOdd));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 ToSingle(WideDot512 sums) => new(Vector512.ConvertToSingle(sums._v));
}

#if NET11_0_OR_GREATER
/// <summary>32-bit sums in one 512-bit register by <c>vpdpbusd</c> on 512 bits.</summary>
internal readonly unsafe struct WideVnniDot512 : IDotLanes<WideVnniDot512, Bytes512, Rows512>
{
    private readonly Vector512<int> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WideVnniDot512(Vector512<int> v) => _v = v;

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideVnniDot512 Start(int value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideVnniDot512 MultiplyAdd(WideVnniDot512 sums, Bytes512 weights, sbyte* activations) =>
        new(AvxVnni.V512.MultiplyWideningAndAdd(sums._v, weights.V, Vector512.Create(*(int*)activations).AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows512 ToSingle(WideVnniDot512 sums) => new(Vector512.ConvertToSingle(sums._v));
}
#endif
