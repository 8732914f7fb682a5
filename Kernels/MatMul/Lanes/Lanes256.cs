using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.MatMul;

/// <summary>64 bytes in two 256-bit registers.</summary>
internal readonly unsafe struct Bytes256 : IByteLanes<Bytes256>
{
    public readonly Vector256<byte> Low, High;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes256(Vector256<byte> low, Vector256<byte> high) => (Low, High) = (low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Load(byte* source) => new(Vector256.Load(source), Vector256.Load(source + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes256 value, byte* target)
    {
        value.Low.Store(target);
        value.High.Store(target + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Splat(byte value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 operator &(Bytes256 a, Bytes256 b) => new(a.Low & b.Low, a.High & b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 operator |(Bytes256 a, Bytes256 b) => new(a.Low | b.Low, a.High | b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 operator ^(Bytes256 a, Bytes256 b) => new(a.Low ^ b.Low, a.High ^ b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 ShiftRight(Bytes256 a, int count) => new((a.Low.AsUInt16() >>> count).AsByte(), (a.High.AsUInt16() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 ShiftLeft(Bytes256 a, int count) => new((a.Low.AsUInt16() << count).AsByte(), (a.High.AsUInt16() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 LookUp(byte* table, Bytes256 indices)
    {
        var quarter = Vector128.Load(table);
        var both = Vector256.Create(quarter, quarter);
        return new(Avx2.Shuffle(both, indices.Low), Avx2.Shuffle(both, indices.High));
    }
}

/// <summary>16 floats in two 256-bit registers.</summary>
internal readonly unsafe struct Rows256 : IRowLanes<Rows256>
{
    public readonly Vector256<float> Low, High;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Rows256(Vector256<float> low, Vector256<float> high) => (Low, High) = (low, high);

    public static int TilePanels => 1;

    public static Rows256 Zero => new(Vector256<float>.Zero, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 Load(float* source) => new(Vector256.Load(source), Vector256.Load(source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Rows256 value, float* target)
    {
        value.Low.Store(target);
        value.High.Store(target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 Splat(float value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 operator +(Rows256 a, Rows256 b) => new(a.Low + b.Low, a.High + b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 operator *(Rows256 a, Rows256 b) => new(a.Low * b.Low, a.High * b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 MultiplyAdd(Rows256 a, Rows256 b, Rows256 c) =>
        new(Vector256.MultiplyAddEstimate(a.Low, b.Low, c.Low), Vector256.MultiplyAddEstimate(a.High, b.High, c.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 LoadHalf(ushort* source) => new(Half(source), Half(source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 LoadBFloat(ushort* source) =>
        new((Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 16).AsSingle(), (Avx2.ConvertToVector256Int32(Vector128.Load(source + 8)) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 LoadUInt8(byte* source) =>
        new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)), Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source + 8)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 LoadInt8(sbyte* source) =>
        new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)), Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source + 8)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Half(ushort* source)
    {
        var wide = Avx2.ConvertToVector256Int32(Vector128.Load((short*)source));
        return ((wide << 13) & Vector256.Create(unchecked((int)0x8FFFFFFF))).AsSingle() * Vector256.Create(HalfScale.Value);
    }
}

/// <summary>16-bit sums in two 256-bit registers; see <see cref="Int16Dot512"/>.</summary>
internal readonly unsafe struct Int16Dot256 : IDotLanes<Int16Dot256, Bytes256, Rows256>
{
    private readonly Vector256<short> _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Int16Dot256(Vector256<short> low, Vector256<short> high) => (_low, _high) = (low, high);

    public static int Bias => 0;

    public static bool PairedSums => true;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot256 Start(int value) => new(Vector256.Create(value).AsInt16(), Vector256.Create(value).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int16Dot256 MultiplyAdd(Int16Dot256 sums, Bytes256 weights, sbyte* activations)
    {
        var x = Vector256.Create(*(int*)activations).AsSByte();
        return new(sums._low + Avx2.MultiplyAddAdjacent(weights.Low, x), sums._high + Avx2.MultiplyAddAdjacent(weights.High, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 ToSingle(Int16Dot256 sums) => new(
        Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(sums._low, Vector256<short>.One)),
        Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(sums._high, Vector256<short>.One)));
}

/// <summary>32-bit sums in two 256-bit registers by AVX-VNNI's <c>vpdpbusd</c>.</summary>
internal readonly unsafe struct VnniDot256 : IDotLanes<VnniDot256, Bytes256, Rows256>
{
    private readonly Vector256<int> _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private VnniDot256(Vector256<int> low, Vector256<int> high) => (_low, _high) = (low, high);

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniDot256 Start(int value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniDot256 MultiplyAdd(VnniDot256 sums, Bytes256 weights, sbyte* activations)
    {
        var x = Vector256.Create(*(int*)activations).AsSByte();
        return new(AvxVnni.MultiplyWideningAndAdd(sums._low, weights.Low, x), AvxVnni.MultiplyWideningAndAdd(sums._high, weights.High, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 ToSingle(VnniDot256 sums) => new(Vector256.ConvertToSingle(sums._low), Vector256.ConvertToSingle(sums._high));
}

/// <summary>32-bit sums by AVX2 alone, of weights up to 127: two products by <c>vpmaddubsw</c> fit 16 bits (2·127·127 = 32,258).</summary>
internal readonly unsafe struct PairDot256 : IDotLanes<PairDot256, Bytes256, Rows256>
{
    private readonly Vector256<int> _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PairDot256(Vector256<int> low, Vector256<int> high) => (_low, _high) = (low, high);

    public static int Bias => 0;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairDot256 Start(int value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairDot256 MultiplyAdd(PairDot256 sums, Bytes256 weights, sbyte* activations)
    {
        var x = Vector256.Create(*(int*)activations).AsSByte();
        return new(
            sums._low + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(weights.Low, x), Vector256<short>.One),
            sums._high + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(weights.High, x), Vector256<short>.One));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 ToSingle(PairDot256 sums) => new(Vector256.ConvertToSingle(sums._low), Vector256.ConvertToSingle(sums._high));
}

/// <summary>
/// 32-bit sums by AVX2 alone. <c>vpmaddubsw</c> would saturate on 255·127·2, so the weight (minus 128) gives its magnitude to one side and its sign to the other.
/// </summary>
internal readonly unsafe struct SignDot256 : IDotLanes<SignDot256, Bytes256, Rows256>
{
    private readonly Vector256<int> _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private SignDot256(Vector256<int> low, Vector256<int> high) => (_low, _high) = (low, high);

    public static int Bias => 128;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SignDot256 Start(int value) => new(Vector256.Create(value), Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SignDot256 MultiplyAdd(SignDot256 sums, Bytes256 weights, sbyte* activations)
    {
        var x = Vector256.Create(*(int*)activations).AsSByte();
        return new(sums._low + Dot(weights.Low, x), sums._high + Dot(weights.High, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows256 ToSingle(SignDot256 sums) => new(Vector256.ConvertToSingle(sums._low), Vector256.ConvertToSingle(sums._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dot(Vector256<byte> weights, Vector256<sbyte> x)
    {
        var signed = (weights ^ Vector256.Create((byte)0x80)).AsSByte();
        var pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(signed), Avx2.Sign(x, signed));
        return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }
}
