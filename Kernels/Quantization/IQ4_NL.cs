using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 32 values in 18 bytes: x ≈ d·K[q], where K is a table of 16 levels that lie denser around zero.
/// <code>
/// | d: half | 16 bytes: byte j holds q[j] below and q[j + 16] above |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct IQ4_NL : IQuantizedBlock<IQ4_NL>
{
    public Half Scale;
    public Bytes16 Quants;

    public static int Length => 32;

    /// <summary>The table K.</summary>
    public static ReadOnlySpan<sbyte> Levels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref IQ4_NL block)
    {
        float d = SearchScale(values);
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        for (int j = 0; j < 16; j++)
            block.Quants[j] = (byte)(NearestLevel(inverse * values[j]) | (NearestLevel(inverse * values[j + 16]) << 4));
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            values[j] = d * Levels[Quants[j] & 15];
            values[j + 16] = d * Levels[Quants[j] >> 4];
        }
    }

    /// <summary>
    /// The scale of least squared error, weights x²: the one that puts the largest value on the outermost level is followed by fifteen
    /// nearby, and each by the best scale for the levels that it gives, Σwxk/Σwk². Zero when all values are (nearly) zero.
    /// </summary>
    public static float SearchScale(ReadOnlySpan<float> values)
    {
        float max = Rounding.SignedMaximum(values);
        if (MathF.Abs(max) < Rounding.Epsilon) return 0;

        var (sumXK, sumK2) = Sums(values, 1 / (-max / Levels[0]));
        float scale = sumK2 > 0 ? sumXK / sumK2 : 0;
        float best = scale * sumXK;
        for (int i = -7; i <= 7; i++)
        {
            (sumXK, sumK2) = Sums(values, (i + Levels[0]) / max);
            if (!(sumK2 > 0 && sumXK * sumXK > best * sumK2)) continue;
            scale = sumXK / sumK2;
            best = scale * sumXK;
        }

        return scale;
    }

    /// <summary>Index of the level nearest to <paramref name="x"/>; the upper one of two equally near.</summary>
    public static int NearestLevel(float x)
    {
        if (x <= Levels[0]) return 0;
        int upper = 1;
        while (upper < 15 && !(x < Levels[upper])) upper++;
        if (upper == 15 && x >= Levels[15]) return 15;
        return x - Levels[upper - 1] < Levels[upper] - x ? upper - 1 : upper;
    }

    private static (float SumXK, float SumK2) Sums(ReadOnlySpan<float> values, float inverse)
    {
        float sumXK = 0, sumK2 = 0;
        foreach (float x in values)
        {
            float k = Levels[NearestLevel(inverse * x)];
            float w = x * x;
            sumXK += w * k * x;
            sumK2 += w * k * k;
        }

        return (sumXK, sumK2);
    }
}
