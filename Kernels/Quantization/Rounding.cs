using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>The roundings that quantised formats are defined with; defined for every input, on every machine alike.</summary>
internal static class Rounding
{
    /// <summary>Scales below this count as zero in the searches of the K formats.</summary>
    public const float Epsilon = 1e-15f;

    /// <summary>Nearest integer, ties to even, for |x| ≤ 4194303: adding 1.5·2²³ leaves the integer in the mantissa.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Nearest(float x) => (int)(BitConverter.SingleToUInt32Bits(x + 12582912f) & 0x7FFFFF) - 0x400000;

    /// <summary>Toward zero; what does not fit (NaN too) gives the smallest integer, as x86 does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Truncate(float x) => x is >= -2147483648f and < 2147483648f ? (int)x : int.MinValue;

    /// <summary>Nearest integer, halves away from zero (C's <c>roundf</c>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int NearestAwayFromZero(float x) => Truncate(MathF.Round(x, MidpointRounding.AwayFromZero));

    /// <summary>1/x, and 0 for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float InverseOrZero(float x) => x != 0 ? 1 / x : 0;

    /// <summary>The value of largest magnitude with its sign; the first one among equals, 0 for none.</summary>
    public static float SignedMaximum(ReadOnlySpan<float> values)
    {
        float magnitude = 0, maximum = 0;
        foreach (float v in values)
        {
            if (!(MathF.Abs(v) > magnitude)) continue;
            magnitude = MathF.Abs(v);
            maximum = v;
        }

        return maximum;
    }

    /// <summary>The largest magnitude.</summary>
    public static float Magnitude(ReadOnlySpan<float> values)
    {
        float magnitude = 0;
        foreach (float v in values)
            if (MathF.Abs(v) > magnitude) magnitude = MathF.Abs(v);
        return magnitude;
    }

    /// <summary>Smallest and largest value.</summary>
    public static (float Minimum, float Maximum) Range(ReadOnlySpan<float> values)
    {
        float minimum = float.MaxValue, maximum = -float.MaxValue;
        foreach (float v in values)
        {
            if (v < minimum) minimum = v;
            if (v > maximum) maximum = v;
        }

        return (minimum, maximum);
    }
}
