using TinyMllm.Bench;
using TinyMllm.Benchmarking;
using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Engine;

/// <summary>The benchmark counts what it says it counts; how fast it is, no test asks.</summary>
[TestFixture]
public class BenchmarkTests
{
    [Test]
    public void CountsTokensWeightsAndTiles()
    {
        var options = new BenchmarkOptions
        {
            Model = Golden.Path("vlm/idefics3_single/model.gguf"), Projector = Golden.Path("vlm/idefics3_single/mmproj.gguf"),
            PromptLengths = [8, 0], GenerationLengths = [3], Threads = [1, 2], Repetitions = 2,
        };
        var peaks = new List<MachinePeak>();
        BenchmarkResult[] results = [.. ModelBenchmark.Run(options, new Collector(peaks))];
        Assert.That(results.Select(r => r.Test), Is.EqualTo(new[] { "pp8", "tg3", "tile 32×32", "pp8", "tg3", "tile 32×32" }));
        Assert.That(results.Select(r => r.Threads), Is.EqualTo(new[] { 1, 1, 1, 2, 2, 2 }));
        Assert.That(peaks.Select(p => p.Threads), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(peaks.SelectMany(p => new[] { p.Int8, p.Int4, p.Single, p.Memory }), Is.All.Positive);
        foreach (var result in results)
        {
            Assert.That(result.Seconds, Has.Count.EqualTo(2));
            Assert.That(result.Rate, Is.EqualTo(result.Rates.Average()));
            Assert.That(result.MultiplyAdds, Is.Positive);
            Assert.That(result.PeakShare, Is.Positive);
        }

        // One output row per prompt, all block weights per token.
        double block = (results[0].MultiplyAdds - ((results[1].MultiplyAdds / 3) - (results[0].MultiplyAdds / 8))) / 8;
        Assert.That(results[1].MultiplyAdds, Is.GreaterThan(3 * block * 0.9));
        Assert.That(results[1].WeightBytes, Is.EqualTo(4 * results[1].MultiplyAdds), "the golden's weights are float32");
    }

    /// <summary>A benchmark of products counts the weights that the layer holds: none is cut to whole blocks.</summary>
    [Test]
    public unsafe void ProductsCountTheirOwnWeights()
    {
        ProductCase[] cases = [.. ProductCase.All];
        Assert.That(cases.Select(c => c.Type).Distinct().Count(), Is.EqualTo(8));
        foreach (ProductCase c in cases)
        {
            Assert.That(c.Inputs % c.Type.BlockLength(), Is.Zero, c.ToString());
            using var stored = new NativeBuffer<byte>(c.WeightBytes, clear: true);
            using var layer = Linear.Create(WeightOptions.Default, new StoredTensor("w", c.Type, [c.Inputs, c.Outputs], stored.Pointer));
            Assert.That(c.MultiplyAdds, Is.EqualTo((double)c.Rows * layer.Inputs * layer.Outputs), c.ToString());
        }
    }

    [Test]
    public void NothingToMeasureIsAnError() => Assert.That(() => ModelBenchmark.Run(new BenchmarkOptions()), Throws.ArgumentException);

    private sealed class Collector(List<MachinePeak> peaks) : IProgress<MachinePeak>
    {
        public void Report(MachinePeak value) => peaks.Add(value);
    }
}
