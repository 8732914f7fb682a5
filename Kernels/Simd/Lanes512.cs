using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.Simd;

/// <summary>Sixteen floats in one 512-bit register of AVX-512.</summary>
internal readonly unsafe struct Float32x16 : IMathLanes<Float32x16>
{
    private readonly Vector512<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float32x16(Vector512<float> v) => _v = v;

    public static int Count => 16;

    public static RegisterTile Tile => new(8, 2);

    public static Float32x16 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Splat(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x16 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 operator +(Float32x16 a, Float32x16 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 operator -(Float32x16 a, Float32x16 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 operator *(Float32x16 a, Float32x16 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 operator /(Float32x16 a, Float32x16 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 MultiplyAdd(Float32x16 a, Float32x16 b, Float32x16 c) => new(Vector512.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Max(Float32x16 a, Float32x16 b) => new(Vector512.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Min(Float32x16 a, Float32x16 b) => new(Vector512.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Round(Float32x16 value) => new(Vector512.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Scale(Float32x16 value, Float32x16 exponent) => new(Avx512F.Scale(value._v, exponent._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 Abs(Float32x16 value) => new(Vector512.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 CopySign(Float32x16 magnitude, Float32x16 sign) => new(Vector512.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 SwapNeighbours(Float32x16 value) =>
        new(Vector512.Shuffle(value._v, Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float32x16 value) => Vector512.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x16 value) => Float32x8.MaxElement(new(Vector256.MaxNative(value._v.GetLower(), value._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 LoadHalf(ushort* source)
    {
        var finite = LoadFiniteHalf(source)._v;
        var beyond = Vector512.GreaterThanOrEqual(Vector512.Abs(finite), Vector512.Create(HalfConversion.BeyondFinite)).AsUInt32();
        return new((finite.AsUInt32() | (beyond & Vector512.Create(HalfConversion.SingleExponent))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 LoadFiniteHalf(ushort* source)
    {
        var wide = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source));
        return new(((wide << 13) & Vector512.Create(HalfConversion.WithoutSignCopies)).AsSingle() * Vector512.Create(HalfConversion.ExponentShift));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 LoadBFloat(ushort* source) => new((Avx512F.ConvertToVector512Int32(Vector256.Load(source)) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 LoadUInt8(byte* source) => new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x16 LoadInt8(sbyte* source) => new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Float32x16 value, ushort* target)
    {
        Float32x8.StoreHalf(new(value._v.GetLower()), target);
        Float32x8.StoreHalf(new(value._v.GetUpper()), target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x16 value, sbyte* target) => Avx512F.ConvertToVector128SByte(Avx512F.ConvertToVector512Int32(value._v)).Store(target);
}

/// <summary>64 bytes in one 512-bit register of AVX-512BW.</summary>
internal readonly unsafe struct UInt8x64 : IByteLanes<UInt8x64>
{
    public readonly Vector512<byte> V;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private UInt8x64(Vector512<byte> v) => V = v;

    public static int Count => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 Load(byte* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(UInt8x64 value, byte* target) => value.V.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 Splat(byte value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 SplatQuad(sbyte* source) => new(Vector512.Create(*(int*)source).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 operator &(UInt8x64 a, UInt8x64 b) => new(a.V & b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 operator |(UInt8x64 a, UInt8x64 b) => new(a.V | b.V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 ShiftRight(UInt8x64 a, int count) => new((a.V.AsUInt16() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 ShiftLeft(UInt8x64 a, int count) => new((a.V.AsUInt16() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x64 LookUp(byte* table, UInt8x64 indices)
    {
        var quarter = Vector128.Load(table);
        var half = Vector256.Create(quarter, quarter);
        return new(Avx512BW.Shuffle(Vector512.Create(half, half), indices.V));
    }
}
