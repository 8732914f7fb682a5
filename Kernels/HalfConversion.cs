using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels;

/// <summary>
/// Between 16-bit and 32-bit floats, by integer arithmetic on vectors (.NET has no class for x86's F16C).
/// <para>
/// Widening is exact. A half s·eeeee·mmmmmmmmmm shifted left by 13 is a float whose exponent lacks the difference of the biases,
/// 127 − 15 = 112. On vectors a multiplication by 2¹¹² adds it, to subnormal numbers too; ∞ and NaN come out as 2¹⁶ and more and get
/// all bits of the exponent. One value alone adds 112 to the exponent of a normal number, 2·112 to that of ∞ and NaN; a subnormal is an
/// integer multiple of 2⁻²⁴: put its mantissa into the float 2⁻¹⁴·1.m and take the 2⁻¹⁴ away again.
/// </para>
/// <para>
/// Narrowing rounds to nearest, ties to even: half the last kept bit, less one, plus that bit's own value, is added before the shift.
/// Below 2⁻¹⁴ the adder of the machine rounds: in x + 0.5 the last bit of the mantissa is worth 2⁻²⁴, just what a subnormal
/// half counts in. From 65520 up the result is ∞; NaN becomes the quiet NaN of its sign.
/// </para>
/// </summary>
internal static unsafe class HalfConversion
{
    private const uint HalfInfinity = 0x7C00u << 13;

    /// <summary>The difference of the biases, 112, where a float has its exponent.</summary>
    public const uint BiasDifference = 112u << 23;

    /// <summary>The float 2⁻¹⁴: the smallest half that is not subnormal.</summary>
    public const uint SmallestNormal = 113u << 23;

    /// <summary>The float 2¹⁶: from here on there is no half.</summary>
    public const uint TooLarge = 143u << 23;

    /// <summary>The float ½: added to a subnormal half's value, it leaves a mantissa that counts in 2⁻²⁴.</summary>
    public const uint OneHalf = 126u << 23;

    /// <summary>Half of the last bit that a half keeps, less one: what rounding to nearest adds before the shift.</summary>
    public const uint AlmostHalfABit = 0xFFF;

    /// <summary>The half ∞.</summary>
    public const uint Infinity = 0x7C00;

    /// <summary>What ∞ lacks to the quiet NaN.</summary>
    public const uint Quiet = 0x0200;

    /// <summary>2¹¹²: what the exponent of a half is short by after its bits were shifted into a float.</summary>
    public const float ExponentShift = 5.192296858534828e33f;

    /// <summary>Takes the copies of the sign off a half that was widened to a signed integer and shifted by 13.</summary>
    public const int WithoutSignCopies = unchecked((int)0x8FFFFFFF);

    /// <summary>2¹⁶: where ∞ and NaN arrive if they are taken for numbers.</summary>
    public const float BeyondFinite = 65536;

    /// <summary>The exponent of ∞ and NaN.</summary>
    public const uint SingleExponent = 0x7F800000;

    /// <summary>Exact value of <paramref name="half"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
            > SingleExponent => Infinity | Quiet,
            >= TooLarge => Infinity,
            < SmallestNormal => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude) + 0.5f) - OneHalf,
            _ => (magnitude - BiasDifference + AlmostHalfABit + ((magnitude >> 13) & 1)) >> 13,
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
    public static void ToSingle(ushort* source, float* target, int count) => VectorLoop.Run(new Widening(source, target), count);

    /// <summary>Narrows <paramref name="count"/> floats.</summary>
    public static void FromSingle(float* source, ushort* target, int count) => VectorLoop.Run(new Narrowing(source, target), count);

    private readonly struct Widening(ushort* source, float* target) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.LoadHalf(source + i), target + i);
    }

    private readonly struct Narrowing(float* source, ushort* target) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.StoreHalf(T.Load(source + i), target + i);
    }
}
