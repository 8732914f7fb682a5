using TinyMllm.Kernels;

namespace TinyMllm.Benchmarking;

/// <summary>One test of <see cref="ModelBenchmark"/>. What "tokens" are depends on the test: prompt tokens, generated tokens, or encoded picture tiles.</summary>
public sealed record BenchmarkResult
{
    /// <summary>The file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>Architecture (or projector), size and most frequent weight type, such as <c>llama 135M Q8_0</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Bytes of all tensors.</summary>
    public required long ModelBytes { get; init; }

    /// <summary>Number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>Threads.</summary>
    public required int Threads { get; init; }

    /// <summary>The instruction set whose kernels computed.</summary>
    public required Isa Isa { get; init; }

    /// <summary>Prompt tokens per run, 0 in other tests.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Generated tokens per run, 0 in other tests.</summary>
    public int GeneratedTokens { get; init; }

    /// <summary>Encoded tiles per run, 0 in other tests.</summary>
    public int Tiles { get; init; }

    /// <summary>Width and height of a tile in pixels.</summary>
    public (int Width, int Height) TileSize { get; init; }

    /// <summary>Seconds of every run.</summary>
    public required IReadOnlyList<double> Seconds { get; init; }

    /// <summary>Multiply-adds with weights per run.</summary>
    public required double MultiplyAdds { get; init; }

    /// <summary>Bytes of weights read per run if each is read once per token (generation); 0 where they stay in caches.</summary>
    public double WeightBytes { get; init; }

    /// <summary>10⁹ multiply-adds or bytes per second that the machine reached at most when the benchmark began.</summary>
    public required double Peak { get; init; }

    /// <summary>pp512, tg128, or the tile's size.</summary>
    public string Test => PromptTokens > 0 ? $"pp{PromptTokens}" : GeneratedTokens > 0 ? $"tg{GeneratedTokens}" : $"tile {TileSize.Width}×{TileSize.Height}";

    /// <summary>Tokens (or tiles) per second of every run.</summary>
    public IEnumerable<double> Rates => Seconds.Select(seconds => (PromptTokens + GeneratedTokens + Tiles) / seconds);

    /// <summary>Mean of <see cref="Rates"/>.</summary>
    public double Rate => Rates.Average();

    /// <summary>Sample standard deviation of <see cref="Rates"/>; 0 for a single run.</summary>
    public double RateDeviation => Deviation(Rates);

    /// <summary>Sample standard deviation of <see cref="Seconds"/>.</summary>
    public double SecondsDeviation => Deviation(Seconds);

    /// <summary>10⁹ multiply-adds per second, mean over the runs.</summary>
    public double MultiplyAddRate => MultiplyAdds / Seconds.Average() / 1e9;

    /// <summary>10⁹ bytes of weights per second, mean over the runs; 0 where it says nothing.</summary>
    public double ByteRate => WeightBytes / Seconds.Average() / 1e9;

    /// <summary>Share of the machine's peak: of memory bandwidth in generation, of multiply-adds elsewhere.</summary>
    public double PeakShare => (WeightBytes > 0 ? ByteRate : MultiplyAddRate) / Peak;

    private static double Deviation(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length < 2) return 0;
        double mean = all.Average();
        return Math.Sqrt(all.Sum(value => (value - mean) * (value - mean)) / (all.Length - 1));
    }
}
