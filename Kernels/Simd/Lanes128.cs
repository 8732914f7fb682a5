using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace TinyMllm.Kernels.Simd;

/// <summary>Four floats in one 128-bit register: NEON, SSE, WebAssembly, or plain C# where there is none.</summary>
internal readonly unsafe struct Float32x4 : IMathLanes<Float32x4>
{
    private readonly Vector128<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float32x4(Vector128<float> v) => _v = v;

    public static int Count => 4;

    public static RegisterTile Tile => new(4, 1);

    public static Float32x4 Zero => new(Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Splat(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x4 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 operator +(Float32x4 a, Float32x4 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 operator -(Float32x4 a, Float32x4 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 operator *(Float32x4 a, Float32x4 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 operator /(Float32x4 a, Float32x4 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 MultiplyAdd(Float32x4 a, Float32x4 b, Float32x4 c) => new(Vector128.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Max(Float32x4 a, Float32x4 b) => new(Vector128.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Min(Float32x4 a, Float32x4 b) => new(Vector128.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Round(Float32x4 value) => new(Vector128.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Scale(Float32x4 value, Float32x4 exponent)
    {
        // The exponent field of a float holds exponent + 127, so 2^n is an integer shifted into place.
        var biased = Vector128.ConvertToInt32Native(exponent._v) + Vector128.Create(127);
        return new(value._v * Vector128.ShiftLeft(biased, 23).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 Abs(Float32x4 value) => new(Vector128.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 CopySign(Float32x4 magnitude, Float32x4 sign) => new(Vector128.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 SwapNeighbours(Float32x4 value) => new(Vector128.Shuffle(value._v, Vector128.Create(1, 0, 3, 2)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float32x4 value) => Vector128.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x4 value)
    {
        var half = Vector128.MaxNative(value._v, Vector128.Shuffle(value._v, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 LoadHalf(ushort* source)
    {
        var finite = LoadFiniteHalf(source)._v;
        var beyond = Vector128.GreaterThanOrEqual(Vector128.Abs(finite), Vector128.Create(HalfConversion.BeyondFinite)).AsUInt32();
        return new((finite.AsUInt32() | (beyond & Vector128.Create(HalfConversion.SingleExponent))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 LoadFiniteHalf(ushort* source) => new(OfFiniteHalf(Vector128.WidenLower(FourWords(source).AsInt16())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 LoadBFloat(ushort* source) => new((Vector128.WidenLower(FourWords(source)) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 LoadUInt8(byte* source) =>
        new(Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(FourBytes(source))).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4 LoadInt8(sbyte* source) =>
        new(Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(FourBytes((byte*)source).AsSByte()))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Float32x4 value, ushort* target) =>
        Unsafe.WriteUnaligned(target, Vector128.Narrow(ToHalf(value._v), Vector128<uint>.Zero).AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x4 value, sbyte* target) =>
        Unsafe.WriteUnaligned(target, LowBytes(Nearest(value._v)));

    /// <summary>The floats of four finite halves that were widened with their signs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OfFiniteHalf(Vector128<int> wide) =>
        ((wide << 13) & Vector128.Create(HalfConversion.WithoutSignCopies)).AsSingle() * Vector128.Create(HalfConversion.ExponentShift);

    /// <summary>Four floats as halves, in the low 16 bits of integers; <see cref="HalfConversion"/> has the method.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ToHalf(Vector128<float> values)
    {
        var bits = values.AsUInt32();
        var magnitude = bits & Vector128.Create(0x7FFFFFFFu);
        var sign = (bits ^ magnitude) >> 16;
        var odd = (magnitude >> 13) & Vector128<uint>.One;
        var normal = (magnitude - Vector128.Create(HalfConversion.BiasDifference - HalfConversion.AlmostHalfABit) + odd) >> 13;
        var subnormal = (magnitude.AsSingle() + Vector128.Create(0.5f)).AsUInt32() - Vector128.Create(HalfConversion.OneHalf);
        var m = magnitude.AsInt32();
        var half = Vector128.ConditionalSelect(Vector128.LessThan(m, Vector128.Create((int)HalfConversion.SmallestNormal)).AsUInt32(), subnormal, normal);
        var tooLarge = Vector128.GreaterThan(m, Vector128.Create((int)HalfConversion.TooLarge - 1)).AsUInt32();
        var isNaN = Vector128.GreaterThan(m, Vector128.Create((int)HalfConversion.SingleExponent)).AsUInt32();
        return Vector128.ConditionalSelect(tooLarge, Vector128.Create(HalfConversion.Infinity) | (isNaN & Vector128.Create(HalfConversion.Quiet)), half) | sign;
    }

    /// <summary>Nearest integers, ties to even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Nearest(Vector128<float> v) => Vector128.ConvertToInt32Native(Vector128.Round(v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> FourWords(ushort* source) => Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FourBytes(byte* source) => Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source)).AsByte();

    /// <summary>The lowest byte of each integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint LowBytes(Vector128<int> v) =>
        Vector128.Narrow(Vector128.Narrow(v.AsUInt32(), Vector128<uint>.Zero), Vector128<ushort>.Zero).AsUInt32().ToScalar();
}

/// <summary>16 floats in four 128-bit registers: the outputs of a panel.</summary>
/// <remarks>Operators change a copy of their first argument field by field: a constructor would cost the JIT a local variable per field and call.</remarks>
internal unsafe struct Float32x4x4 : IFloatLanes<Float32x4x4>
{
    public Vector128<float> A, B, C, D;

    public static int Count => 16;

    public static RegisterTile Tile => new(4, 1);

    public static Float32x4x4 Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 Splat(float value)
    {
        var v = Vector128.Create(value);
        return new() { A = v, B = v, C = v, D = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 Load(float* source) => new()
    {
        A = Vector128.Load(source),
        B = Vector128.Load(source + 4),
        C = Vector128.Load(source + 8),
        D = Vector128.Load(source + 12),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32x4x4 value, float* target)
    {
        value.A.Store(target);
        value.B.Store(target + 4);
        value.C.Store(target + 8);
        value.D.Store(target + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 operator +(Float32x4x4 a, Float32x4x4 b)
    {
        a.A = a.A + b.A;
        a.B = a.B + b.B;
        a.C = a.C + b.C;
        a.D = a.D + b.D;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 operator *(Float32x4x4 a, Float32x4x4 b)
    {
        a.A = a.A * b.A;
        a.B = a.B * b.B;
        a.C = a.C * b.C;
        a.D = a.D * b.D;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 MultiplyAdd(Float32x4x4 a, Float32x4x4 b, Float32x4x4 c)
    {
        c.A = Vector128.MultiplyAddEstimate(a.A, b.A, c.A);
        c.B = Vector128.MultiplyAddEstimate(a.B, b.B, c.B);
        c.C = Vector128.MultiplyAddEstimate(a.C, b.C, c.C);
        c.D = Vector128.MultiplyAddEstimate(a.D, b.D, c.D);
        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 Max(Float32x4x4 a, Float32x4x4 b)
    {
        a.A = Vector128.MaxNative(a.A, b.A);
        a.B = Vector128.MaxNative(a.B, b.B);
        a.C = Vector128.MaxNative(a.C, b.C);
        a.D = Vector128.MaxNative(a.D, b.D);
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 Abs(Float32x4x4 value)
    {
        value.A = Vector128.Abs(value.A);
        value.B = Vector128.Abs(value.B);
        value.C = Vector128.Abs(value.C);
        value.D = Vector128.Abs(value.D);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(Float32x4x4 value) =>
        Float32x4.MaxElement(new(Vector128.MaxNative(Vector128.MaxNative(value.A, value.B), Vector128.MaxNative(value.C, value.D))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 LoadFiniteHalf(ushort* source)
    {
        var (a, b) = Vector128.Widen(Vector128.Load((short*)source));
        var (c, d) = Vector128.Widen(Vector128.Load((short*)source + 8));
        return new()
        {
            A = Float32x4.OfFiniteHalf(a),
            B = Float32x4.OfFiniteHalf(b),
            C = Float32x4.OfFiniteHalf(c),
            D = Float32x4.OfFiniteHalf(d),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 LoadBFloat(ushort* source)
    {
        var (a, b) = Vector128.Widen(Vector128.Load(source));
        var (c, d) = Vector128.Widen(Vector128.Load(source + 8));
        return new() { A = (a << 16).AsSingle(), B = (b << 16).AsSingle(), C = (c << 16).AsSingle(), D = (d << 16).AsSingle() };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 LoadUInt8(byte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low.AsInt16());
        var (c, d) = Vector128.Widen(high.AsInt16());
        return new()
        {
            A = Vector128.ConvertToSingle(a),
            B = Vector128.ConvertToSingle(b),
            C = Vector128.ConvertToSingle(c),
            D = Vector128.ConvertToSingle(d),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 LoadInt8(sbyte* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return new()
        {
            A = Vector128.ConvertToSingle(a),
            B = Vector128.ConvertToSingle(b),
            C = Vector128.ConvertToSingle(c),
            D = Vector128.ConvertToSingle(d),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(Float32x4x4 value, sbyte* target)
    {
        var low = Vector128.Narrow(Float32x4.Nearest(value.A), Float32x4.Nearest(value.B));
        var high = Vector128.Narrow(Float32x4.Nearest(value.C), Float32x4.Nearest(value.D));
        Vector128.Narrow(low, high).Store(target);
    }
}

/// <summary>64 bytes in four 128-bit registers: a quad of a panel.</summary>
internal unsafe struct UInt8x16x4 : IByteLanes<UInt8x16x4>
{
    public Vector128<byte> A, B, C, D;

    public static int Count => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 Load(byte* source) => new()
    {
        A = Vector128.Load(source),
        B = Vector128.Load(source + 16),
        C = Vector128.Load(source + 32),
        D = Vector128.Load(source + 48),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(UInt8x16x4 value, byte* target)
    {
        value.A.Store(target);
        value.B.Store(target + 16);
        value.C.Store(target + 32);
        value.D.Store(target + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 Splat(byte value)
    {
        var v = Vector128.Create(value);
        return new() { A = v, B = v, C = v, D = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 SplatQuad(sbyte* source)
    {
        // The JIT takes the general form through an integer register on Arm.
        var v = (InstructionSets.HasAdvSimd ? AdvSimd.LoadAndReplicateToVector128((int*)source) : Vector128.Create(*(int*)source)).AsByte();
        return new() { A = v, B = v, C = v, D = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 operator &(UInt8x16x4 a, UInt8x16x4 b)
    {
        a.A = a.A & b.A;
        a.B = a.B & b.B;
        a.C = a.C & b.C;
        a.D = a.D & b.D;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 operator |(UInt8x16x4 a, UInt8x16x4 b)
    {
        a.A = a.A | b.A;
        a.B = a.B | b.B;
        a.C = a.C | b.C;
        a.D = a.D | b.D;
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 ShiftRight(UInt8x16x4 a, int count)
    {
        a.A = (a.A.AsUInt16() >>> count).AsByte();
        a.B = (a.B.AsUInt16() >>> count).AsByte();
        a.C = (a.C.AsUInt16() >>> count).AsByte();
        a.D = (a.D.AsUInt16() >>> count).AsByte();
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 ShiftLeft(UInt8x16x4 a, int count)
    {
        a.A = (a.A.AsUInt16() << count).AsByte();
        a.B = (a.B.AsUInt16() << count).AsByte();
        a.C = (a.C.AsUInt16() << count).AsByte();
        a.D = (a.D.AsUInt16() << count).AsByte();
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 LookUp(byte* table, UInt8x16x4 indices)
    {
        var t = Vector128.Load(table);
        indices.A = Vector128.Shuffle(t, indices.A);
        indices.B = Vector128.Shuffle(t, indices.B);
        indices.C = Vector128.Shuffle(t, indices.C);
        indices.D = Vector128.Shuffle(t, indices.D);
        return indices;
    }
}
