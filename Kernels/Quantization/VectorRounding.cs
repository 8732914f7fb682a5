using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Quantization;

/// <summary><see cref="Rounding"/> on eight values at a time, the same bits.</summary>
internal static class VectorRounding
{
    /// <summary><see cref="Rounding.Nearest"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Nearest(Vector256<float> x) =>
        ((x + Vector256.Create(12582912f)).AsInt32() & Vector256.Create(0x7FFFFF)) - Vector256.Create(0x400000);

    /// <summary><see cref="Rounding.NearestAwayFromZero"/> for |x| below 2³¹: what the truncation took away decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> NearestAwayFromZero(Vector256<float> x)
    {
        var whole = Vector256.Truncate(x);
        var far = Vector256.GreaterThanOrEqual(Vector256.Abs(x - whole), Vector256.Create(0.5f));
        return Vector256.ConvertToInt32Native(whole + (far & Vector256.CopySign(Vector256<float>.One, x)));
    }

    /// <summary>Eight values from index <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ReadOnlySpan<float> values, int i) => Vector256.Create(values.Slice(i, 8));

    /// <summary><see cref="Rounding.Magnitude"/> of a multiple of eight values.</summary>
    public static float Magnitude(ReadOnlySpan<float> values)
    {
        var magnitude = Vector256<float>.Zero;
        for (int i = 0; i < values.Length; i += 8) magnitude = Vector256.MaxNative(magnitude, Vector256.Abs(Load(values, i)));
        float result = 0;
        for (int i = 0; i < 8; i++) result = MathF.Max(result, magnitude.GetElement(i));
        return result;
    }

    /// <summary><see cref="Rounding.SignedMaximum"/> of a multiple of eight values: the first whose magnitude is the largest.</summary>
    public static float SignedMaximum(ReadOnlySpan<float> values)
    {
        float magnitude = Magnitude(values);
        if (magnitude == 0) return 0;
        for (int i = 0; i < values.Length; i += 8)
        {
            uint hits = Vector256.Equals(Vector256.Abs(Load(values, i)), Vector256.Create(magnitude)).ExtractMostSignificantBits();
            if (hits != 0) return values[i + System.Numerics.BitOperations.TrailingZeroCount(hits)];
        }

        return 0;
    }

    /// <summary><see cref="Rounding.Range"/> of a multiple of eight values. Among equal zeros of either sign the first counts.</summary>
    public static (float Minimum, float Maximum) Range(ReadOnlySpan<float> values)
    {
        Vector256<float> low = Load(values, 0), high = low;
        for (int i = 8; i < values.Length; i += 8)
        {
            low = Vector256.MinNative(low, Load(values, i));
            high = Vector256.MaxNative(high, Load(values, i));
        }

        float minimum = low.GetElement(0), maximum = high.GetElement(0);
        for (int i = 1; i < 8; i++)
        {
            minimum = MathF.Min(minimum, low.GetElement(i));
            maximum = MathF.Max(maximum, high.GetElement(i));
        }

        return (First(values, minimum), First(values, maximum));
    }

    /// <summary>Nearest integers to 32 values times <paramref name="inverse"/>, halves away from zero, −128 … 127.</summary>
    public static Vector256<sbyte> NearestAwayFromZero(ReadOnlySpan<float> values, float inverse)
    {
        var factor = Vector256.Create(inverse);
        return Vector256.Narrow(
            Vector256.Narrow(NearestAwayFromZero(Load(values, 0) * factor), NearestAwayFromZero(Load(values, 8) * factor)),
            Vector256.Narrow(NearestAwayFromZero(Load(values, 16) * factor), NearestAwayFromZero(Load(values, 24) * factor)));
    }

    /// <summary>(x − minimum)·inverse + offset of 32 values, truncated, 0 … 255.</summary>
    public static Vector256<byte> Truncate(ReadOnlySpan<float> values, float minimum, float inverse, float offset) => Narrow(
        Truncate(Load(values, 0), minimum, inverse, offset), Truncate(Load(values, 8), minimum, inverse, offset),
        Truncate(Load(values, 16), minimum, inverse, offset), Truncate(Load(values, 24), minimum, inverse, offset));

    /// <summary>32 nibbles to 16 bytes: byte j gets nibble j below and nibble j + 16 above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> PackNibbles(Vector256<byte> nibbles) => nibbles.GetLower() | Vector128.ShiftLeft(nibbles.GetUpper(), 4);

    /// <summary>32 levels of 0 … 255, as truncated integers, narrowed to bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Narrow(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d) =>
        Vector256.Narrow(Vector256.Narrow(a, b).AsUInt16(), Vector256.Narrow(c, d).AsUInt16());

    /// <summary>
    /// Levels of values whose scale and offset were rounded: clamp(nearest((x + offset) / scale), lowest, highest) − lowest.
    /// </summary>
    public static void Levels(ReadOnlySpan<float> values, float offset, float scale, int lowest, int highest, Span<byte> levels)
    {
        for (int i = 0; i < values.Length; i += 16)
        {
            var low = Level(Load(values, i), offset, scale, lowest, highest);
            var high = Level(Load(values, i + 8), offset, scale, lowest, highest);
            var words = Vector256.Narrow(low, high);
            Vector128.Narrow(words.GetLower(), words.GetUpper()).AsByte().CopyTo(levels[i..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Level(Vector256<float> x, float offset, float scale, int lowest, int highest)
    {
        var level = Nearest((x + Vector256.Create(offset)) / Vector256.Create(scale));
        return Vector256.Max(Vector256.Create(lowest), Vector256.Min(Vector256.Create(highest), level)) - Vector256.Create(lowest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Truncate(Vector256<float> x, float minimum, float inverse, float offset) => Vector256.ConvertToInt32Native(
        ((x - Vector256.Create(minimum)) * Vector256.Create(inverse)) + Vector256.Create(offset));

    private static float First(ReadOnlySpan<float> values, float value) => value != 0 ? value : values[values.IndexOf(0f)];
}
