using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.MatMul;

/// <summary>64 bytes in four 128-bit registers: NEON, SSE or plain C#.</summary>
internal readonly unsafe struct Bytes128 : IByteLanes<Bytes128>
{
    public readonly Vector128<byte> A, B, C, D;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes128(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, Vector128<byte> d) => (A, B, C, D) = (a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Load(byte* source) =>
        new(Vector128.Load(source), Vector128.Load(source + 16), Vector128.Load(source + 32), Vector128.Load(source + 48));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Bytes128 value, byte* target)
    {
        value.A.Store(target);
        value.B.Store(target + 16);
        value.C.Store(target + 32);
        value.D.Store(target + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Splat(byte value)
    {
        var v = Vector128.Create(value);
        return new(v, v, v, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 operator &(Bytes128 a, Bytes128 b) => new(a.A & b.A, a.B & b.B, a.C & b.C, a.D & b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 operator |(Bytes128 a, Bytes128 b) => new(a.A | b.A, a.B | b.B, a.C | b.C, a.D | b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 operator ^(Bytes128 a, Bytes128 b) => new(a.A ^ b.A, a.B ^ b.B, a.C ^ b.C, a.D ^ b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 ShiftRight(Bytes128 a, int count) => new(
        (a.A.AsUInt16() >>> count).AsByte(), (a.B.AsUInt16() >>> count).AsByte(), (a.C.AsUInt16() >>> count).AsByte(), (a.D.AsUInt16() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 ShiftLeft(Bytes128 a, int count) => new(
        (a.A.AsUInt16() << count).AsByte(), (a.B.AsUInt16() << count).AsByte(), (a.C.AsUInt16() << count).AsByte(), (a.D.AsUInt16() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 LookUp(byte* table, Bytes128 indices)
    {
        var t = Vector128.Load(table);
        return new(Vector128.Shuffle(t, indices.A), Vector128.Shuffle(t, indices.B), Vector128.Shuffle(t, indices.C), Vector128.Shuffle(t, indices.D));
    }
}

/// <summary>16 floats in four 128-bit registers.</summary>
internal readonly unsafe struct Rows128 : IRowLanes<Rows128>
{
    public readonly Vector128<float> A, B, C, D;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Rows128(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) => (A, B, C, D) = (a, b, c, d);

    public static int TilePanels => 1;

    public static Rows128 Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 Load(float* source) =>
        new(Vector128.Load(source), Vector128.Load(source + 4), Vector128.Load(source + 8), Vector128.Load(source + 12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Rows128 value, float* target)
    {
        value.A.Store(target);
        value.B.Store(target + 4);
        value.C.Store(target + 8);
        value.D.Store(target + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 Splat(float value)
    {
        var v = Vector128.Create(value);
        return new(v, v, v, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 operator +(Rows128 a, Rows128 b) => new(a.A + b.A, a.B + b.B, a.C + b.C, a.D + b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 operator *(Rows128 a, Rows128 b) => new(a.A * b.A, a.B * b.B, a.C * b.C, a.D * b.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 MultiplyAdd(Rows128 a, Rows128 b, Rows128 c) => new(
        Vector128.MultiplyAddEstimate(a.A, b.A, c.A), Vector128.MultiplyAddEstimate(a.B, b.B, c.B),
        Vector128.MultiplyAddEstimate(a.C, b.C, c.C), Vector128.MultiplyAddEstimate(a.D, b.D, c.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 LoadHalf(ushort* source)
    {
        var (a, b) = Vector128.Widen(Vector128.Load((short*)source));
        var (c, d) = Vector128.Widen(Vector128.Load((short*)source + 8));
        return new(Half(a), Half(b), Half(c), Half(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 LoadBFloat(ushort* source)
    {
        var (a, b) = Vector128.Widen(Vector128.Load(source));
        var (c, d) = Vector128.Widen(Vector128.Load(source + 8));
        return new((a << 16).AsSingle(), (b << 16).AsSingle(), (c << 16).AsSingle(), (d << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 LoadUInt8(byte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low.AsInt16());
        var (c, d) = Vector128.Widen(high.AsInt16());
        return new(Vector128.ConvertToSingle(a), Vector128.ConvertToSingle(b), Vector128.ConvertToSingle(c), Vector128.ConvertToSingle(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 LoadInt8(sbyte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return new(Vector128.ConvertToSingle(a), Vector128.ConvertToSingle(b), Vector128.ConvertToSingle(c), Vector128.ConvertToSingle(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Half(Vector128<int> wide) =>
        ((wide << 13) & Vector128.Create(unchecked((int)0x8FFFFFFF))).AsSingle() * Vector128.Create(HalfScale.Value);
}

/// <summary>32-bit sums in four 128-bit registers; <typeparamref name="TProduct"/> says by which instructions.</summary>
internal readonly unsafe struct Dot128<TProduct> : IDotLanes<Dot128<TProduct>, Bytes128, Rows128>
    where TProduct : struct, IProduct128
{
    private readonly Vector128<int> _a, _b, _c, _d;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Dot128(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) => (_a, _b, _c, _d) = (a, b, c, d);

    public static int Bias => TProduct.Bias;

    public static bool PairedSums => false;

    public static int TilePanels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dot128<TProduct> Start(int value)
    {
        var v = Vector128.Create(value);
        return new(v, v, v, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dot128<TProduct> MultiplyAdd(Dot128<TProduct> sums, Bytes128 weights, sbyte* activations)
    {
        var x = Vector128.Create(*(int*)activations).AsSByte();
        return new(
            TProduct.MultiplyAdd(sums._a, weights.A, x), TProduct.MultiplyAdd(sums._b, weights.B, x),
            TProduct.MultiplyAdd(sums._c, weights.C, x), TProduct.MultiplyAdd(sums._d, weights.D, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows128 ToSingle(Dot128<TProduct> sums) => new(
        Vector128.ConvertToSingle(sums._a), Vector128.ConvertToSingle(sums._b), Vector128.ConvertToSingle(sums._c), Vector128.ConvertToSingle(sums._d));
}

/// <summary>One 128-bit register of products: four outputs × four k.</summary>
internal interface IProduct128
{
    /// <summary>What is taken off every weight byte before it is multiplied.</summary>
    static abstract int Bias { get; }

    /// <summary>sums[i] += Σ_{j&lt;4} (weights[4·i + j] − Bias) · x[4·i + j].</summary>
    static abstract Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x);
}

/// <summary>Which bytes a leaf that multiplies signed ones can take as they are.</summary>
internal interface IWeightRange
{
    static abstract int Bias { get; }

    /// <summary>The byte less <see cref="Bias"/>.</summary>
    static abstract Vector128<sbyte> Signed(Vector128<byte> weights);
}

/// <summary>Weights of up to 7 bits, which are signed bytes already.</summary>
internal readonly struct SevenBits : IWeightRange
{
    public static int Bias => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Signed(Vector128<byte> weights) => weights.AsSByte();
}

/// <summary>Weights of 8 bits: 0 … 255 becomes −128 … 127.</summary>
internal readonly struct EightBits : IWeightRange
{
    public static int Bias => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Signed(Vector128<byte> weights) => (weights ^ Vector128.Create((byte)0x80)).AsSByte();
}

/// <summary>Plain C#: even and odd bytes as 16-bit integers.</summary>
internal readonly struct PortableProduct<TRange> : IProduct128
    where TRange : struct, IWeightRange
{
    public static int Bias => TRange.Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        // A product fits 16 bits (128·127), the sum of two needs 17, so it is widened first.
        var w16 = TRange.Signed(weights).AsInt16();
        var x16 = x.AsInt16();
        var even = ((w16 << 8) >> 8) * ((x16 << 8) >> 8);
        var odd = (w16 >> 8) * (x16 >> 8);
        return sums + Pairs(even) + Pairs(odd);
    }

    /// <summary>Adds neighbouring 16-bit integers to 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Pairs(Vector128<short> v) => ((v.AsInt32() << 16) >> 16) + (v.AsInt32() >> 16);
}

/// <summary>
/// <c>pmaddubsw</c> multiplies unsigned by signed bytes and adds pairs to 16 bits. That saturates on 255·127·2, so of 8-bit weights it gets the magnitude, and the activation their sign.
/// </summary>
internal readonly struct Ssse3Product<TRange> : IProduct128
    where TRange : struct, IWeightRange
{
    public static int Bias => TRange.Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        var w = TRange.Signed(weights);
        var pairs = TRange.Bias == 0 ? Ssse3.MultiplyAddAdjacent(weights, x) : Ssse3.MultiplyAddAdjacent(Ssse3.Abs(w), Ssse3.Sign(x, w));
        return sums + Sse2.MultiplyAddAdjacent(pairs, Vector128<short>.One);
    }
}

/// <summary>NEON: <c>smull</c>, <c>smull2</c>, <c>addp</c>, <c>sadalp</c>. Two products of signed bytes fit 16 bits: 2·128·127 = 32,512.</summary>
internal readonly struct AdvSimdProduct<TRange> : IProduct128
    where TRange : struct, IWeightRange
{
    public static int Bias => TRange.Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        var w = TRange.Signed(weights);
        var low = AdvSimd.MultiplyWideningLower(w.GetLower(), x.GetLower());
        var high = AdvSimd.MultiplyWideningUpper(w, x);
        return AdvSimd.AddPairwiseWideningAndAdd(sums, AdvSimd.Arm64.AddPairwise(low, high));
    }
}

/// <summary>Armv8.2's <c>sdot</c>.</summary>
internal readonly struct SdotProduct<TRange> : IProduct128
    where TRange : struct, IWeightRange
{
    public static int Bias => TRange.Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x) => Dp.DotProduct(sums, TRange.Signed(weights), x);
}
