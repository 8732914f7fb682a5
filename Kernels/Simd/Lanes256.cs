using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.Simd;

/// <summary>Eight floats in one 256-bit register of AVX2.</summary>
internal readonly unsafe struct Float32x8 : IMathLanes<Float32x8>
{
    private readonly Vector256<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float32x8(Vector256<float> v) => _v = v;

    public static int Count => 8;

    public static RegisterTile Tile => new(4, 1);

    public static Float32x8 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Splat(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x8 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 operator +(Float32x8 a, Float32x8 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 operator -(Float32x8 a, Float32x8 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 operator *(Float32x8 a, Float32x8 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 operator /(Float32x8 a, Float32x8 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 MultiplyAdd(Float32x8 a, Float32x8 b, Float32x8 c) => new(Vector256.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Max(Float32x8 a, Float32x8 b) => new(Vector256.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Min(Float32x8 a, Float32x8 b) => new(Vector256.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Round(Float32x8 value) => new(Vector256.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Scale(Float32x8 value, Float32x8 exponent)
    {
        // The exponent field of a float holds exponent + 127, so 2^n is an integer shifted into place.
        var biased = Vector256.ConvertToInt32Native(exponent._v) + Vector256.Create(127);
        return new(value._v * Vector256.ShiftLeft(biased, 23).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 Abs(Float32x8 value) => new(Vector256.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 CopySign(Float32x8 magnitude, Float32x8 sign) => new(Vector256.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 SwapNeighbours(Float32x8 value) => new(Vector256.Shuffle(value._v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float32x8 value) => Vector256.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x8 value) => Float32x4.MaxElement(new(Vector128.MaxNative(value._v.GetLower(), value._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 LoadHalf(ushort* source)
    {
        var finite = LoadFiniteHalf(source)._v;
        var beyond = Vector256.GreaterThanOrEqual(Vector256.Abs(finite), Vector256.Create(HalfConversion.BeyondFinite)).AsUInt32();
        return new((finite.AsUInt32() | (beyond & Vector256.Create(HalfConversion.SingleExponent))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 LoadFiniteHalf(ushort* source) => new(OfFiniteHalf(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 LoadBFloat(ushort* source) => new((Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 LoadUInt8(byte* source) => new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8 LoadInt8(sbyte* source) => new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Float32x8 value, ushort* target) =>
        Vector128.Narrow(Float32x4.ToHalf(value._v.GetLower()), Float32x4.ToHalf(value._v.GetUpper())).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x8 value, sbyte* target) => Unsafe.WriteUnaligned(target, LowBytes(Avx.ConvertToVector256Int32(value._v)));

    /// <summary>The floats of eight finite halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OfFiniteHalf(ushort* source)
    {
        var wide = Avx2.ConvertToVector256Int32(Vector128.Load((short*)source));
        return ((wide << 13) & Vector256.Create(HalfConversion.WithoutSignCopies)).AsSingle() * Vector256.Create(HalfConversion.ExponentShift);
    }

    /// <summary>The lowest byte of each integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong LowBytes(Vector256<int> v) =>
        Vector128.Narrow(Vector128.Narrow(v.GetLower().AsUInt32(), v.GetUpper().AsUInt32()), Vector128<ushort>.Zero).AsUInt64().ToScalar();
}

/// <summary>16 floats in two 256-bit registers: the outputs of a panel.</summary>
/// <remarks>Operators change a copy of their first argument field by field: a constructor would cost the JIT a local variable per field and call.</remarks>
internal unsafe struct Float32x8x2 : IFloatLanes<Float32x8x2>
{
    public Vector256<float> Low, High;

    public static int Count => 16;

    public static RegisterTile Tile => new(4, 1);

    public static Float32x8x2 Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 Splat(float value)
    {
        var v = Vector256.Create(value);
        return new() { Low = v, High = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 Load(float* source) => new() { Low = Vector256.Load(source), High = Vector256.Load(source + 8) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x8x2 value, float* target)
    {
        value.Low.Store(target);
        value.High.Store(target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 operator +(Float32x8x2 a, Float32x8x2 b)
    {
        a.Low = a.Low + b.Low;
        a.High = a.High + b.High;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 operator *(Float32x8x2 a, Float32x8x2 b)
    {
        a.Low = a.Low * b.Low;
        a.High = a.High * b.High;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 MultiplyAdd(Float32x8x2 a, Float32x8x2 b, Float32x8x2 c)
    {
        c.Low = Vector256.MultiplyAddEstimate(a.Low, b.Low, c.Low);
        c.High = Vector256.MultiplyAddEstimate(a.High, b.High, c.High);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 Max(Float32x8x2 a, Float32x8x2 b)
    {
        a.Low = Vector256.MaxNative(a.Low, b.Low);
        a.High = Vector256.MaxNative(a.High, b.High);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 Abs(Float32x8x2 value)
    {
        value.Low = Vector256.Abs(value.Low);
        value.High = Vector256.Abs(value.High);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x8x2 value) => Float32x8.MaxElement(new(Vector256.MaxNative(value.Low, value.High)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 LoadFiniteHalf(ushort* source) => new() { Low = Float32x8.OfFiniteHalf(source), High = Float32x8.OfFiniteHalf(source + 8) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 LoadBFloat(ushort* source) => new()
    {
        Low = (Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 16).AsSingle(),
        High = (Avx2.ConvertToVector256Int32(Vector128.Load(source + 8)) << 16).AsSingle(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 LoadUInt8(byte* source) => new()
    {
        Low = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)),
        High = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source + 8)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x8x2 LoadInt8(sbyte* source) => new()
    {
        Low = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)),
        High = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source + 8)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x8x2 value, sbyte* target)
    {
        var low = Avx.ConvertToVector256Int32(value.Low);
        var high = Avx.ConvertToVector256Int32(value.High);
        Vector128.Narrow(Vector128.Narrow(low.GetLower(), low.GetUpper()), Vector128.Narrow(high.GetLower(), high.GetUpper())).Store(target);
    }
}

/// <summary>64 bytes in two 256-bit registers: a quad of a panel.</summary>
internal unsafe struct UInt8x32x2 : IByteLanes<UInt8x32x2>
{
    public Vector256<byte> Low, High;

    public static int Count => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 Load(byte* source) => new() { Low = Vector256.Load(source), High = Vector256.Load(source + 32) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(UInt8x32x2 value, byte* target)
    {
        value.Low.Store(target);
        value.High.Store(target + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 Splat(byte value)
    {
        var v = Vector256.Create(value);
        return new() { Low = v, High = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 SplatQuad(sbyte* source)
    {
        var v = Vector256.Create(*(int*)source).AsByte();
        return new() { Low = v, High = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 operator &(UInt8x32x2 a, UInt8x32x2 b)
    {
        a.Low = a.Low & b.Low;
        a.High = a.High & b.High;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 operator |(UInt8x32x2 a, UInt8x32x2 b)
    {
        a.Low = a.Low | b.Low;
        a.High = a.High | b.High;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 ShiftRight(UInt8x32x2 a, int count)
    {
        a.Low = (a.Low.AsUInt16() >>> count).AsByte();
        a.High = (a.High.AsUInt16() >>> count).AsByte();
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 ShiftLeft(UInt8x32x2 a, int count)
    {
        a.Low = (a.Low.AsUInt16() << count).AsByte();
        a.High = (a.High.AsUInt16() << count).AsByte();
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x32x2 LookUp(byte* table, UInt8x32x2 indices)
    {
        var half = Vector128.Load(table);
        var t = Vector256.Create(half, half);
        indices.Low = Avx2.Shuffle(t, indices.Low);
        indices.High = Avx2.Shuffle(t, indices.High);
        return indices;
    }
}
