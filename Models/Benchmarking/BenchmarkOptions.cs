using TinyMllm.Engine;
using TinyMllm.Kernels;

namespace TinyMllm.Benchmarking;

/// <summary>What <see cref="ModelBenchmark"/> measures.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>The language model; null = none.</summary>
    public string? Model { get; init; }

    /// <summary>The picture encoder; null = none.</summary>
    public string? Projector { get; init; }

    /// <summary>Prompt lengths in tokens, each a test of its own; 0 is left out.</summary>
    public IReadOnlyList<int> PromptLengths { get; init; } = [512];

    /// <summary>Numbers of generated tokens after an empty context, each a test of its own; 0 is left out.</summary>
    public IReadOnlyList<int> GenerationLengths { get; init; } = [128];

    /// <summary>Thread counts; 0 = one per processor.</summary>
    public IReadOnlyList<int> Threads { get; init; } = [0];

    /// <summary>Timed runs per test, after one that is not counted.</summary>
    public int Repetitions { get; init; } = 5;

    /// <summary>The instruction set whose kernels compute; null = <c>Isa.Current</c>. It is the current one as long as the benchmark runs.</summary>
    public Isa? Isa { get; init; }

    /// <summary>How keys and values are stored.</summary>
    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>How the language model holds its weights.</summary>
    public WeightOptions Weights { get; init; } = WeightOptions.Default;

    /// <summary>How the picture encoder holds its weights.</summary>
    public WeightOptions VisionWeights { get; init; } = WeightOptions.Default;
}
