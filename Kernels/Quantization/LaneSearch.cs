using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// The searches of <see cref="BlockSearch"/> on eight sub-blocks at a time, one per lane of a 256-bit vector.
/// <para>
/// Lane j of vector i holds value i of sub-block j, so that a loop over i adds in ascending order within each sub-block, just as the plain
/// search does: the bits are the same. Where the plain search branches, lanes are selected by masks. Instead of copying levels whenever a
/// step wins, the step itself is kept, and the levels are computed from it once at the end.
/// </para>
/// </summary>
internal readonly unsafe struct LaneSearch : ISubBlockSearch
{
    private const int Lanes = 8;
    private const int LongestSubBlock = 32;

    public static void WithMinimum(ReadOnlySpan<float> values, MinimumSearch search, Span<float> scales, Span<float> minima, Span<byte> levels)
    {
        int group = Lanes * search.Length;
        for (int g = 0; g < values.Length / group; g++)
            WithMinimumGroup(values.Slice(g * group, group), search, scales[(g * Lanes)..], minima[(g * Lanes)..], levels.Slice(g * group, group));
    }

    public static void Symmetric(ReadOnlySpan<float> values, int limit, Span<float> scales, Span<byte> levels)
    {
        const int group = Lanes * 16;
        for (int g = 0; g < values.Length / group; g++)
            SymmetricGroup(values.Slice(g * group, group), limit, scales[(g * Lanes)..], levels.Slice(g * group, group));
    }

    public static void NonLinear(ReadOnlySpan<float> values, Span<float> scales)
    {
        const int group = Lanes * 32;
        for (int g = 0; g < values.Length / group; g++) NonLinearGroup(values.Slice(g * group, group), scales[(g * Lanes)..]);
    }

    private static void WithMinimumGroup(ReadOnlySpan<float> values, MinimumSearch search, Span<float> scales, Span<float> minima, Span<byte> levels)
    {
        int n = search.Length;
        var x = stackalloc Vector256<float>[LongestSubBlock];
        var w = stackalloc Vector256<float>[LongestSubBlock];
        var tried = stackalloc Vector256<float>[LongestSubBlock];
        Transpose(values, n, x);

        var sumOfSquares = Vector256<float>.Zero;
        for (int i = 0; i < n; i++) sumOfSquares += x[i] * x[i];
        var average = search.Absolute ? Vector256<float>.Zero : Vector256.Sqrt(sumOfSquares / Vector256.Create((float)n));
        for (int i = 0; i < n; i++) w[i] = average + Vector256.Abs(x[i]);

        Vector256<float> min = x[0], max = x[0], sumW = w[0], sumX = w[0] * x[0];
        for (int i = 1; i < n; i++)
        {
            min = Vector256.ConditionalSelect(Vector256.LessThan(x[i], min), x[i], min);
            max = Vector256.ConditionalSelect(Vector256.GreaterThan(x[i], max), x[i], max);
            sumW += w[i];
            sumX += w[i] * x[i];
        }

        min = Vector256.ConditionalSelect(Vector256.GreaterThan(min, Vector256<float>.Zero), Vector256<float>.Zero, min);
        var active = ~Vector256.Equals(max, min);
        var limit = Vector256.Create(search.Limit);

        var step = Vector256.Create((float)search.Limit) / (max - min);
        var scale = Vector256<float>.One / step;
        Vector256<float> bestStep = step, bestOffset = min;
        for (int i = 0; i < n; i++) tried[i] = Vector256.ConvertToSingle(Level(step * (x[i] - min), Vector256<int>.Zero, limit));
        var best = Error(x, w, tried, n, scale, min, search.Absolute);

        for (int s = 0; s <= search.Steps; s++)
        {
            step = Vector256.Create(search.First + (0.1f * s) + search.Limit) / (max - min);
            Vector256<float> sumL = default, sumL2 = default, sumXL = default;
            for (int i = 0; i < n; i++)
            {
                var l = Vector256.ConvertToSingle(Level(step * (x[i] - min), Vector256<int>.Zero, limit));
                tried[i] = l;
                var wl = w[i] * l;
                sumL += wl;
                sumL2 += wl * l;
                sumXL += wl * x[i];
            }

            var determinant = (sumW * sumL2) - (sumL * sumL);
            var newScale = ((sumW * sumXL) - (sumX * sumL)) / determinant;
            var newMin = ((sumL2 * sumX) - (sumL * sumXL)) / determinant;
            var positive = Vector256.GreaterThan(newMin, Vector256<float>.Zero);
            newMin = Vector256.ConditionalSelect(positive, Vector256<float>.Zero, newMin);
            newScale = Vector256.ConditionalSelect(positive, sumXL / sumL2, newScale);

            var error = Error(x, w, tried, n, newScale, newMin, search.Absolute);
            var better = Vector256.GreaterThan(determinant, Vector256<float>.Zero) & Vector256.LessThan(error, best);
            best = Vector256.ConditionalSelect(better, error, best);
            bestStep = Vector256.ConditionalSelect(better, step, bestStep);
            bestOffset = Vector256.ConditionalSelect(better, min, bestOffset);
            scale = Vector256.ConditionalSelect(better, newScale, scale);
            min = Vector256.ConditionalSelect(better, newMin, min);
        }

        (scale & active).CopyTo(scales);
        (-min).CopyTo(minima);
        for (int i = 0; i < n; i++) StoreLevels(Level(bestStep * (x[i] - bestOffset), Vector256<int>.Zero, limit) & active.AsInt32(), levels, i, n);
    }

    private static void SymmetricGroup(ReadOnlySpan<float> values, int limit, Span<float> scales, Span<byte> levels)
    {
        const int n = 16;
        var x = stackalloc Vector256<float>[n];
        var w = stackalloc Vector256<float>[n];
        Transpose(values, n, x);
        for (int i = 0; i < n; i++) w[i] = x[i] * x[i];

        var max = SignedMaximum(x, n);
        var active = ~Vector256.LessThan(Vector256.Abs(max), Vector256.Create(Rounding.Epsilon));
        Vector256<int> lowest = Vector256.Create(-limit), highest = Vector256.Create(limit - 1);

        var step = Vector256.Create(-(float)limit) / max;
        var (sumXL, sumL2) = SymmetricSums(x, w, n, step, lowest, highest);
        var bestStep = step;
        var scale = Vector256.ConditionalSelect(Vector256.Equals(sumL2, Vector256<float>.Zero), Vector256<float>.Zero, sumXL / sumL2);
        var best = scale * sumXL;
        for (int i = -9; i <= 9; i++)
        {
            if (i == 0) continue;
            step = Vector256.Create(-(limit + (0.1f * i))) / max;
            (sumXL, sumL2) = SymmetricSums(x, w, n, step, lowest, highest);
            var better = Vector256.GreaterThan(sumL2, Vector256<float>.Zero) & Vector256.GreaterThan(sumXL * sumXL, best * sumL2);
            bestStep = Vector256.ConditionalSelect(better, step, bestStep);
            scale = Vector256.ConditionalSelect(better, sumXL / sumL2, scale);
            best = Vector256.ConditionalSelect(better, scale * sumXL, best);
        }

        (scale & active).CopyTo(scales);
        for (int i = 0; i < n; i++)
            StoreLevels((Level(bestStep * x[i], lowest, highest) - lowest) & active.AsInt32(), levels, i, n);
    }

    private static void NonLinearGroup(ReadOnlySpan<float> values, Span<float> scales)
    {
        const int n = 32;
        var x = stackalloc Vector256<float>[n];
        var w = stackalloc Vector256<float>[n];
        Transpose(values, n, x);
        for (int i = 0; i < n; i++) w[i] = x[i] * x[i];

        var max = SignedMaximum(x, n);
        var active = ~Vector256.LessThan(Vector256.Abs(max), Vector256.Create(Rounding.Epsilon));
        var outermost = Vector256.Create((float)IQ4_NL.Levels[0]);

        var (sumXK, sumK2) = NonLinearSums(x, w, n, Vector256<float>.One / (-max / outermost));
        var scale = Vector256.ConditionalSelect(Vector256.GreaterThan(sumK2, Vector256<float>.Zero), sumXK / sumK2, Vector256<float>.Zero);
        var best = scale * sumXK;
        for (int i = -7; i <= 7; i++)
        {
            (sumXK, sumK2) = NonLinearSums(x, w, n, Vector256.Create((float)(i + IQ4_NL.Levels[0])) / max);
            var better = Vector256.GreaterThan(sumK2, Vector256<float>.Zero) & Vector256.GreaterThan(sumXK * sumXK, best * sumK2);
            scale = Vector256.ConditionalSelect(better, sumXK / sumK2, scale);
            best = Vector256.ConditionalSelect(better, scale * sumXK, best);
        }

        (scale & active).CopyTo(scales);
    }

    private static Vector256<float> Error(
        Vector256<float>* x, Vector256<float>* w, Vector256<float>* levels, int n, Vector256<float> scale, Vector256<float> min, bool absolute)
    {
        var sum = Vector256<float>.Zero;
        for (int i = 0; i < n; i++)
        {
            var difference = (scale * levels[i]) + min - x[i];
            sum += w[i] * (absolute ? Vector256.Abs(difference) : difference * difference);
        }

        return sum;
    }

    private static (Vector256<float> SumXL, Vector256<float> SumL2) SymmetricSums(
        Vector256<float>* x, Vector256<float>* w, int n, Vector256<float> step, Vector256<int> lowest, Vector256<int> highest)
    {
        Vector256<float> sumXL = default, sumL2 = default;
        for (int i = 0; i < n; i++)
        {
            var l = Vector256.ConvertToSingle(Level(step * x[i], lowest, highest));
            sumXL += w[i] * x[i] * l;
            sumL2 += w[i] * l * l;
        }

        return (sumXL, sumL2);
    }

    private static (Vector256<float> SumXK, Vector256<float> SumK2) NonLinearSums(
        Vector256<float>* x, Vector256<float>* w, int n, Vector256<float> inverse)
    {
        Vector256<float> sumXK = default, sumK2 = default;
        for (int i = 0; i < n; i++)
        {
            var k = NearestNonLinear(inverse * x[i]);
            var wk = w[i] * k;
            sumXK += wk * x[i];
            sumK2 += wk * k;
        }

        return (sumXK, sumK2);
    }

    /// <summary>
    /// The level of IQ4_NL's table nearest to x. Comparing with the middle between two levels is the same as comparing the
    /// distances: near the middle both differences are exact in float32 (all levels are integers below 128).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> NearestNonLinear(Vector256<float> x)
    {
        var level = Vector256.Create(-127f);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-115.5f)), Vector256.Create(-104f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-93.5f)), Vector256.Create(-83f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-74f)), Vector256.Create(-65f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-57f)), Vector256.Create(-49f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-42f)), Vector256.Create(-35f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-28.5f)), Vector256.Create(-22f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-16f)), Vector256.Create(-10f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(-4.5f)), Vector256.Create(1f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(7f)), Vector256.Create(13f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(19f)), Vector256.Create(25f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(31.5f)), Vector256.Create(38f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(45.5f)), Vector256.Create(53f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(61f)), Vector256.Create(69f), level);
        level = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(79f)), Vector256.Create(89f), level);
        return Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256.Create(101f)), Vector256.Create(113f), level);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Level(Vector256<float> x, Vector256<int> lowest, Vector256<int> highest) =>
        Vector256.Max(lowest, Vector256.Min(highest, VectorRounding.Nearest(x)));

    private static Vector256<float> SignedMaximum(Vector256<float>* x, int n)
    {
        Vector256<float> magnitude = default, maximum = default;
        for (int i = 0; i < n; i++)
        {
            var larger = Vector256.GreaterThan(Vector256.Abs(x[i]), magnitude);
            magnitude = Vector256.ConditionalSelect(larger, Vector256.Abs(x[i]), magnitude);
            maximum = Vector256.ConditionalSelect(larger, x[i], maximum);
        }

        return maximum;
    }

    private static void Transpose(ReadOnlySpan<float> values, int n, Vector256<float>* lanes)
    {
        for (int i = 0; i < n; i++)
        {
            lanes[i] = Vector256.Create(
                values[i], values[n + i], values[(2 * n) + i], values[(3 * n) + i],
                values[(4 * n) + i], values[(5 * n) + i], values[(6 * n) + i], values[(7 * n) + i]);
        }
    }

    private static void StoreLevels(Vector256<int> lanes, Span<byte> levels, int i, int n)
    {
        for (int lane = 0; lane < Lanes; lane++) levels[(lane * n) + i] = (byte)lanes.GetElement(lane);
    }
}
