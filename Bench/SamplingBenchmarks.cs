using BenchmarkDotNet.Attributes;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Bench;

/// <summary>
/// Choosing one token: what a model's step pays on top of its matrices. Logits are like a real model's: a few candidates stand out of a bell
/// of the others.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class SamplingBenchmarks
{
    private float[] _logits = [];
    private Sampler _sampler = null!;

    /// <summary>How to choose.</summary>
    public enum Chain
    {
        /// <summary>The likeliest.</summary>
        Greedy,

        /// <summary>Top-k 40, top-p 0.95, min-p 0.05, temperature 0.8.</summary>
        Default,

        /// <summary>The same without top-k: every token is a candidate.</summary>
        AllTokens,

        /// <summary>The default with penalties on the last 64 tokens.</summary>
        Penalties,

        /// <summary>Mirostat 2.</summary>
        Mirostat,
    }

    /// <summary>Tokens: SmolLM2's and Qwen2's.</summary>
    [Params(49152, 151936)]
    public int Vocabulary { get; set; }

    /// <summary>How to choose.</summary>
    [ParamsAllValues]
    public Chain Options { get; set; }

    /// <summary>Makes logits and a sampler with 64 tokens behind it.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _logits = new float[Vocabulary];
        for (int i = 0; i < _logits.Length; i++) _logits[i] = (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(6.283 * random.NextDouble());
        for (int i = 0; i < 20; i++) _logits[random.Next(Vocabulary)] += 10;
        var usual = new SamplerOptions { Seed = 1 };
        _sampler = new Sampler(Options switch
        {
            Chain.Greedy => SamplerOptions.Greedy,
            Chain.AllTokens => usual with { TopK = 0 },
            Chain.Penalties => usual with { RepeatPenalty = 1.1f, FrequencyPenalty = 0.1f, PresencePenalty = 0.1f },
            Chain.Mirostat => usual with { Mirostat = 2 },
            _ => usual,
        }, Vocabulary);
        for (int i = 0; i < 64; i++) _sampler.Accept(random.Next(Vocabulary));
    }

    /// <summary>Chooses a token.</summary>
    [Benchmark]
    public int Sample() => _sampler.Sample(_logits);
}
