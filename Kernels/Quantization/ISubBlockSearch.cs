using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>What <see cref="BlockSearch.WithMinimum"/> is to do for each sub-block.</summary>
/// <param name="Length">Values per sub-block, at most 32.</param>
/// <param name="Limit">Largest level.</param>
/// <param name="First">Offset of the first step tried, in levels.</param>
/// <param name="Steps">Number of steps after the first, 0.1 levels apart.</param>
/// <param name="Absolute">Weights |x| and absolute errors; otherwise weights |x| + √(mean x²) and squared errors.</param>
internal readonly record struct MinimumSearch(int Length, int Limit, float First, int Steps, bool Absolute);

/// <summary>
/// The searches of <see cref="BlockSearch"/> for all sub-blocks of a block. <see cref="PlainSearch"/> takes them one by one,
/// <see cref="LaneSearch"/> eight side by side; both do the same operations in the same order and give the same bits.
/// </summary>
internal interface ISubBlockSearch
{
    /// <summary><see cref="BlockSearch.WithMinimum"/> for each run of <c>search.Length</c> values.</summary>
    static abstract void WithMinimum(ReadOnlySpan<float> values, MinimumSearch search, Span<float> scales, Span<float> minima, Span<byte> levels);

    /// <summary><see cref="BlockSearch.Symmetric"/> for each run of 16 values.</summary>
    static abstract void Symmetric(ReadOnlySpan<float> values, int limit, Span<float> scales, Span<byte> levels);

    /// <summary><see cref="IQ4_NL.SearchScale"/> for each run of 32 values.</summary>
    static abstract void NonLinear(ReadOnlySpan<float> values, Span<float> scales);
}

/// <summary>One sub-block after the other: the oracle.</summary>
internal readonly struct PlainSearch : ISubBlockSearch
{
    public static void WithMinimum(ReadOnlySpan<float> values, MinimumSearch search, Span<float> scales, Span<float> minima, Span<byte> levels)
    {
        int n = search.Length;
        Span<float> weights = stackalloc float[n];
        for (int j = 0; j < values.Length / n; j++)
        {
            var x = values.Slice(n * j, n);
            float sumOfSquares = 0;
            foreach (float v in x) sumOfSquares += v * v;
            float average = search.Absolute ? 0 : MathF.Sqrt(sumOfSquares / n);
            for (int i = 0; i < n; i++) weights[i] = average + MathF.Abs(x[i]);
            (scales[j], minima[j]) = BlockSearch.WithMinimum(x, weights, search, levels[(n * j)..]);
        }
    }

    public static void Symmetric(ReadOnlySpan<float> values, int limit, Span<float> scales, Span<byte> levels)
    {
        for (int j = 0; j < values.Length / 16; j++) scales[j] = BlockSearch.Symmetric(values.Slice(16 * j, 16), limit, levels[(16 * j)..]);
    }

    public static void NonLinear(ReadOnlySpan<float> values, Span<float> scales)
    {
        for (int j = 0; j < values.Length / 32; j++) scales[j] = IQ4_NL.SearchScale(values.Slice(32 * j, 32));
    }
}
