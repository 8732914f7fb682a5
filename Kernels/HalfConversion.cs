using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels;

/// <summary>
/// Between 16-bit and 32-bit floats, by integer arithmetic on vectors (.NET has no class for x86's F16C).
/// <para>
/// Widening is exact. A half s·eeeee·mmmmmmmmmm shifted left by 13 is a float whose exponent lacks the difference of the biases,
/// 127 − 15 = 112: add 112 to the exponent of a normal number, 2·112 to that of ∞ and NaN. A subnormal is an integer multiple of
/// 2⁻²⁴: put its mantissa into the float 2⁻¹⁴·1.m and take the 2⁻¹⁴ away again.
/// </para>
/// <para>
/// Narrowing rounds to nearest, ties to even: half the last kept bit, less one, plus that bit's own value, is added before the shift.
/// Below 2⁻¹⁴ the adder of the machine rounds: in x + 0.5 the last bit of the mantissa is worth 2⁻²⁴, just what a subnormal
/// half counts in. From 65520 up the result is ∞; NaN becomes the quiet NaN of its sign.
/// </para>
/// </summary>
internal static unsafe class HalfConversion
{
    private const uint BiasDifference = 112u << 23;
    private const uint SmallestNormal = 113u << 23;
    private const uint HalfInfinity = 0x7C00u << 13;

    /// <summary>Exact value of <paramref name="half"/>.</summary>
    public static float ToSingle(ushort half)
    {
        uint magnitude = (half & 0x7FFFu) << 13;
        uint sign = (half & 0x8000u) << 16;
        uint bits = magnitude < 1u << 23
            ? BitConverter.SingleToUInt32Bits(
                BitConverter.UInt32BitsToSingle(magnitude + SmallestNormal) - BitConverter.UInt32BitsToSingle(SmallestNormal))
            : magnitude + (magnitude >= HalfInfinity ? 2 * BiasDifference : BiasDifference);
        return BitConverter.UInt32BitsToSingle(bits | sign);
    }

    /// <summary>The nearest half.</summary>
    public static Half FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint magnitude = bits & 0x7FFFFFFF;
        uint half = magnitude switch
        {
            > 0x7F800000 => 0x7E00,
            >= 143u << 23 => 0x7C00,
            < SmallestNormal => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude) + 0.5f) - (126u << 23),
            _ => (magnitude - BiasDifference + 0xFFF + ((magnitude >> 13) & 1)) >> 13,
        };
        return BitConverter.UInt16BitsToHalf((ushort)(half | ((bits >> 16) & 0x8000)));
    }

    /// <summary>Widens as many values as <paramref name="target"/> holds.</summary>
    public static void ToSingle(ReadOnlySpan<Half> source, Span<float> target)
    {
        if (source.Length < target.Length) throw new ArgumentException($"{source.Length} halves for {target.Length} floats", nameof(source));
        fixed (Half* from = source)
        fixed (float* to = target)
            ToSingle((ushort*)from, to, target.Length);
    }

    /// <summary>Narrows all of <paramref name="source"/>.</summary>
    public static void FromSingle(ReadOnlySpan<float> source, Span<Half> target)
    {
        if (target.Length < source.Length) throw new ArgumentException($"{target.Length} halves for {source.Length} floats", nameof(target));
        fixed (float* from = source)
        fixed (Half* to = target)
            FromSingle(from, (ushort*)to, source.Length);
    }

    /// <summary>Widens <paramref name="count"/> halves.</summary>
    public static void ToSingle(ushort* source, float* target, int count)
    {
        int i = 0;
        if (Isa.Current.Lanes == 16)
            for (; i <= count - 16; i += 16) Widen(Vector256.Load(source + i)).Store(target + i);
        for (; i <= count - 8; i += 8) Widen(Vector128.Load(source + i)).Store(target + i);
        for (; i < count; i++) target[i] = ToSingle(source[i]);
    }

    /// <summary>Narrows <paramref name="count"/> floats.</summary>
    public static void FromSingle(float* source, ushort* target, int count)
    {
        int i = 0;
        if (Isa.Current.Lanes == 16)
            for (; i <= count - 16; i += 16) Narrow(Vector512.Load(source + i)).Store(target + i);
        for (; i <= count - 8; i += 8) Narrow(Vector256.Load(source + i)).Store(target + i);
        for (; i < count; i++) target[i] = BitConverter.HalfToUInt16Bits(FromSingle(source[i]));
    }

    /// <summary>Widens eight halves in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector128<ushort> halves)
    {
        var (lower, upper) = Vector128.Widen(halves);
        var h = Vector256.Create(lower, upper);
        var magnitude = (h & Vector256.Create(0x7FFFu)) << 13;
        var sign = (h ^ (h & Vector256.Create(0x7FFFu))) << 16;
        var normal = magnitude + Vector256.Create(BiasDifference);
        var infinite = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create((int)HalfInfinity)).AsUInt32();
        normal += infinite & Vector256.Create(BiasDifference);
        var subnormal = (magnitude + Vector256.Create(SmallestNormal)).AsSingle() - Vector256.Create(SmallestNormal).AsSingle();
        var isSubnormal = Vector256.LessThan(magnitude.AsInt32(), Vector256.Create(1 << 23)).AsUInt32();
        return (Vector256.ConditionalSelect(isSubnormal, subnormal.AsUInt32(), normal) | sign).AsSingle();
    }

    /// <summary>Widens sixteen halves in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector256<ushort> halves)
    {
        var (lower, upper) = Vector256.Widen(halves);
        var h = Vector512.Create(lower, upper);
        var magnitude = (h & Vector512.Create(0x7FFFu)) << 13;
        var sign = (h ^ (h & Vector512.Create(0x7FFFu))) << 16;
        var normal = magnitude + Vector512.Create(BiasDifference);
        var infinite = Vector512.GreaterThanOrEqual(magnitude.AsInt32(), Vector512.Create((int)HalfInfinity)).AsUInt32();
        normal += infinite & Vector512.Create(BiasDifference);
        var subnormal = (magnitude + Vector512.Create(SmallestNormal)).AsSingle() - Vector512.Create(SmallestNormal).AsSingle();
        var isSubnormal = Vector512.LessThan(magnitude.AsInt32(), Vector512.Create(1 << 23)).AsUInt32();
        return (Vector512.ConditionalSelect(isSubnormal, subnormal.AsUInt32(), normal) | sign).AsSingle();
    }

    /// <summary>Narrows eight floats in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ushort> Narrow(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var magnitude = bits & Vector256.Create(0x7FFFFFFFu);
        var sign = (bits ^ magnitude) >> 16;
        var odd = (magnitude >> 13) & Vector256<uint>.One;
        var normal = (magnitude - Vector256.Create(BiasDifference - 0xFFF) + odd) >> 13;
        var subnormal = (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(126u << 23);
        var m = magnitude.AsInt32();
        var half = Vector256.ConditionalSelect(Vector256.LessThan(m, Vector256.Create((int)SmallestNormal)).AsUInt32(), subnormal, normal);
        var tooLarge = Vector256.GreaterThan(m, Vector256.Create((143 << 23) - 1)).AsUInt32();
        var isNaN = Vector256.GreaterThan(m, Vector256.Create(0x7F800000)).AsUInt32();
        half = Vector256.ConditionalSelect(tooLarge, Vector256.Create(0x7C00u) | (isNaN & Vector256.Create(0x0200u)), half) | sign;
        return Vector128.Narrow(half.GetLower(), half.GetUpper());
    }

    /// <summary>Narrows sixteen floats in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ushort> Narrow(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        var magnitude = bits & Vector512.Create(0x7FFFFFFFu);
        var sign = (bits ^ magnitude) >> 16;
        var odd = (magnitude >> 13) & Vector512<uint>.One;
        var normal = (magnitude - Vector512.Create(BiasDifference - 0xFFF) + odd) >> 13;
        var subnormal = (magnitude.AsSingle() + Vector512.Create(0.5f)).AsUInt32() - Vector512.Create(126u << 23);
        var m = magnitude.AsInt32();
        var half = Vector512.ConditionalSelect(Vector512.LessThan(m, Vector512.Create((int)SmallestNormal)).AsUInt32(), subnormal, normal);
        var tooLarge = Vector512.GreaterThan(m, Vector512.Create((143 << 23) - 1)).AsUInt32();
        var isNaN = Vector512.GreaterThan(m, Vector512.Create(0x7F800000)).AsUInt32();
        half = Vector512.ConditionalSelect(tooLarge, Vector512.Create(0x7C00u) | (isNaN & Vector512.Create(0x0200u)), half) | sign;
        return Vector256.Narrow(half.GetLower(), half.GetUpper());
    }
}
