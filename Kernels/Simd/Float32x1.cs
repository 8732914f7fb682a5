using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Simd;

/// <summary>One float: the scalar form of every kernel, and its tail.</summary>
internal readonly unsafe struct Float32x1 : IMathLanes<Float32x1>
{
    private readonly float _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Float32x1(float v) => _v = v;

    public static int Count => 1;

    public static RegisterTile Tile => new(4, 1);

    public static Float32x1 Zero => new(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Splat(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x1 value, float* target) => *target = value._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 operator +(Float32x1 a, Float32x1 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 operator -(Float32x1 a, Float32x1 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 operator *(Float32x1 a, Float32x1 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 operator /(Float32x1 a, Float32x1 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 MultiplyAdd(Float32x1 a, Float32x1 b, Float32x1 c) => new(float.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Max(Float32x1 a, Float32x1 b) => new(float.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Min(Float32x1 a, Float32x1 b) => new(float.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Round(Float32x1 value) => new(MathF.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Scale(Float32x1 value, Float32x1 exponent) =>
        new(value._v * BitConverter.Int32BitsToSingle((float.ConvertToIntegerNative<int>(exponent._v) + 127) << 23));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 Abs(Float32x1 value) => new(MathF.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 CopySign(Float32x1 magnitude, Float32x1 sign) => new(MathF.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 SwapNeighbours(Float32x1 value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float32x1 value) => value._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x1 value) => value._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 LoadHalf(ushort* source) => new(HalfConversion.ToSingle(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 LoadFiniteHalf(ushort* source) => new(HalfConversion.ToSingle(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 LoadBFloat(ushort* source) => new(BitConverter.Int32BitsToSingle(*source << 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 LoadUInt8(byte* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x1 LoadInt8(sbyte* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Float32x1 value, ushort* target) => *target = BitConverter.HalfToUInt16Bits(HalfConversion.FromSingle(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x1 value, sbyte* target) => *target = (sbyte)(int)MathF.Round(value._v);
}
