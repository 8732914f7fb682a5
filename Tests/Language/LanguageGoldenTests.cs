using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Language;

/// <summary>
/// Every golden of a language model: text alone, and the text half of the picture models fed with the stored picture embeddings.
/// </summary>
public class LanguageGoldenTests
{
    private static readonly LanguageModelOptions Exact = new()
    {
        Compatibility = Compatibility.LlamaCpp,
        Weights = new WeightOptions { Activations = ActivationPrecision.Float32 },
    };

    private static IEnumerable<string> Text => Golden.Folders("llm").Select(name => "llm/" + name);

    private static IEnumerable<string> Pictures => Golden.Folders("vlm").Select(name => "vlm/" + name).SelectMany(folder =>
        Golden.Folders(folder).Select(variant => $"{folder}/{variant}").Prepend(folder));

    [TestCaseSource(nameof(Text))]
    [TestCaseSource(nameof(Pictures))]
    public void LogitsAreThoseOfTheGolden(string folder)
    {
        using var golden = new GoldenCase(folder);
        Compare(golden.Run(Exact), golden.Array("logits"), 1e-4 * golden.LogitsStd);
    }

    [TestCaseSource(nameof(Text))]
    [TestCaseSource(nameof(Pictures))]
    public void GreedyTokensAreThoseOfTheGolden(string folder)
    {
        using var golden = new GoldenCase(folder);
        Assert.That(golden.Run(Exact, KvType.F16).Select(row => row.AsSpan().IndexOf(row.Max())), Is.EqualTo(golden.Greedy));
    }

    internal static void Compare(float[][] rows, Npy expected, double tolerance)
    {
        float[] all = expected.Floats;
        int columns = expected.Shape[1];
        Assert.That(rows, Has.Length.EqualTo(expected.Shape[0]));
        for (int i = 0; i < rows.Length; i++)
        {
            double worst = 0;
            for (int j = 0; j < columns; j++) worst = Math.Max(worst, Math.Abs((double)rows[i][j] - all[(i * columns) + j]));
            TestContext.Out.WriteLine($"row {i}: largest difference {worst:g3}, allowed {tolerance:g3}");
            Assert.That(worst, Is.LessThanOrEqualTo(tolerance), $"row {i}");
        }
    }
}
