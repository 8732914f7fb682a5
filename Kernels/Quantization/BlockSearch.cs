namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// The searches by which the K formats choose scales: try steps around the obvious one and keep what gives the least weighted
/// squared error. Sums run in ascending order, one float32 rounding per operation, so that the bytes are those of the reference.
/// </summary>
internal static class BlockSearch
{
    /// <summary>
    /// Symmetric: x ≈ s·(l − <paramref name="limit"/>), l in 0 … 2·limit − 1, weights x². For a given step the best s is Σwxl/Σwl².
    /// </summary>
    /// <param name="x">Values of the sub-block.</param>
    /// <param name="limit">Number of negative levels.</param>
    /// <param name="levels">Chosen levels l.</param>
    /// <returns>The scale s, of either sign.</returns>
    public static float Symmetric(ReadOnlySpan<float> x, int limit, Span<byte> levels)
    {
        float max = Rounding.SignedMaximum(x);
        if (MathF.Abs(max) < Rounding.Epsilon)
        {
            levels[..x.Length].Clear();
            return 0;
        }

        float step = -limit / max;
        var (sumXL, sumL2) = SymmetricSums(x, limit, step);
        StoreLevels(x, limit, step, levels);
        float scale = sumL2 != 0 ? sumXL / sumL2 : 0;
        float best = scale * sumXL;
        for (int i = -9; i <= 9; i++)
        {
            if (i == 0) continue;
            step = -(limit + (0.1f * i)) / max;
            (sumXL, sumL2) = SymmetricSums(x, limit, step);
            if (!(sumL2 > 0 && sumXL * sumXL > best * sumL2)) continue;
            StoreLevels(x, limit, step, levels);
            scale = sumXL / sumL2;
            best = scale * sumXL;
        }

        return scale;
    }

    /// <summary>
    /// Symmetric with few levels (Q3_K): starts from the obvious step, then moves one level after another to where it is best while
    /// the others stay, at most five rounds.
    /// </summary>
    /// <param name="x">Values of the sub-block.</param>
    /// <param name="limit">Number of negative levels.</param>
    /// <param name="levels">Chosen levels, 0 … 2·limit − 1.</param>
    /// <returns>The scale, of either sign.</returns>
    public static float SymmetricByDescent(ReadOnlySpan<float> x, int limit, Span<byte> levels)
    {
        float max = Rounding.SignedMaximum(x);
        if (MathF.Abs(max) < Rounding.Epsilon)
        {
            levels[..x.Length].Clear();
            return 0;
        }

        Span<int> signed = stackalloc int[x.Length];
        float step = -limit / max, sumXL = 0, sumL2 = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int l = Level(step * x[i], -limit, limit - 1);
            float w = x[i] * x[i];
            signed[i] = l;
            sumXL += w * x[i] * l;
            sumL2 += w * l * l;
        }

        for (int round = 0; round < 5; round++)
        {
            bool changed = false;
            for (int i = 0; i < x.Length; i++)
            {
                float w = x[i] * x[i];
                float otherXL = sumXL - (w * x[i] * signed[i]);
                if (!(otherXL > 0)) continue;
                float otherL2 = sumL2 - (w * signed[i] * signed[i]);
                int l = Level(x[i] * otherL2 / otherXL, -limit, limit - 1);
                if (l == signed[i]) continue;
                otherXL += w * x[i] * l;
                otherL2 += w * l * l;
                if (!(otherL2 > 0 && otherXL * otherXL * sumL2 > sumXL * sumXL * otherL2)) continue;
                (signed[i], sumXL, sumL2, changed) = (l, otherXL, otherL2, true);
            }

            if (!changed) break;
        }

        for (int i = 0; i < x.Length; i++) levels[i] = (byte)(signed[i] + limit);
        return sumL2 > 0 ? sumXL / sumL2 : 0;
    }

    /// <summary>
    /// With a minimum: x ≈ s·l − m, l in 0 … limit, s and m ≥ 0. Each step tried is followed by weighted linear regression of x on l.
    /// </summary>
    /// <param name="x">Values of the sub-block.</param>
    /// <param name="weights">Weight of each value's error.</param>
    /// <param name="search">Limit, steps and kind of error.</param>
    /// <param name="levels">Chosen levels.</param>
    /// <returns>Scale s and minimum m.</returns>
    public static (float Scale, float Minimum) WithMinimum(
        ReadOnlySpan<float> x, ReadOnlySpan<float> weights, MinimumSearch search, Span<byte> levels)
    {
        int limit = search.Limit;
        float min = x[0], max = x[0], sumW = weights[0], sumX = weights[0] * x[0];
        for (int i = 1; i < x.Length; i++)
        {
            if (x[i] < min) min = x[i];
            if (x[i] > max) max = x[i];
            sumW += weights[i];
            sumX += weights[i] * x[i];
        }

        if (min > 0) min = 0;
        if (max == min)
        {
            levels[..x.Length].Clear();
            return (0, -min);
        }

        Span<byte> tried = stackalloc byte[x.Length];
        float step = limit / (max - min);
        float scale = 1 / step;
        for (int i = 0; i < x.Length; i++) levels[i] = (byte)Level(step * (x[i] - min), 0, limit);
        float best = Error(x, weights, levels, scale, min, search.Absolute);

        for (int s = 0; s <= search.Steps; s++)
        {
            step = (search.First + (0.1f * s) + limit) / (max - min);
            float sumL = 0, sumL2 = 0, sumXL = 0;
            for (int i = 0; i < x.Length; i++)
            {
                int l = Level(step * (x[i] - min), 0, limit);
                tried[i] = (byte)l;
                sumL += weights[i] * l;
                sumL2 += weights[i] * l * l;
                sumXL += weights[i] * l * x[i];
            }

            float determinant = (sumW * sumL2) - (sumL * sumL);
            if (!(determinant > 0)) continue;
            float newScale = ((sumW * sumXL) - (sumX * sumL)) / determinant;
            float newMin = ((sumL2 * sumX) - (sumL * sumXL)) / determinant;
            if (newMin > 0)
            {
                newMin = 0;
                newScale = sumXL / sumL2;
            }

            float error = Error(x, weights, tried, newScale, newMin, search.Absolute);
            if (!(error < best)) continue;
            tried.CopyTo(levels);
            (best, scale, min) = (error, newScale, newMin);
        }

        return (scale, -min);
    }

    /// <summary>The level nearest to <paramref name="x"/>, within bounds.</summary>
    public static int Level(float x, int lowest, int highest) => Math.Max(lowest, Math.Min(highest, Rounding.Nearest(x)));

    private static (float SumXL, float SumL2) SymmetricSums(ReadOnlySpan<float> x, int limit, float step)
    {
        float sumXL = 0, sumL2 = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int l = Level(step * x[i], -limit, limit - 1);
            float w = x[i] * x[i];
            sumXL += w * x[i] * l;
            sumL2 += w * l * l;
        }

        return (sumXL, sumL2);
    }

    private static void StoreLevels(ReadOnlySpan<float> x, int limit, float step, Span<byte> levels)
    {
        for (int i = 0; i < x.Length; i++) levels[i] = (byte)(Level(step * x[i], -limit, limit - 1) + limit);
    }

    private static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<byte> levels, float scale, float min, bool absolute)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            float difference = (scale * levels[i]) + min - x[i];
            sum += weights[i] * (absolute ? MathF.Abs(difference) : difference * difference);
        }

        return sum;
    }
}
