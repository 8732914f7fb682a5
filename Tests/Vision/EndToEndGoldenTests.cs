using TinyMllm.Engine;
using TinyMllm.Generation;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>Every folder of goldens/vlm from picture and prompt to logits and the greedy continuation, in float32.</summary>
public sealed class EndToEndGoldenTests
{
    [TestCaseSource(typeof(VlmGolden), nameof(VlmGolden.All))]
    public void LogitsAndGreedyContinuationAgree(string name)
    {
        var golden = VlmGolden.Open(name);
        using GgufFile visionFile = GgufFile.Open(golden.Mmproj), textFile = GgufFile.Open(golden.Model);
        Assert.That(LanguageModel.Supports(textFile, out string reason), reason);
        using var vision = VisionModel.Load(visionFile, golden.Options);
        var options = new LanguageModelOptions { Weights = golden.Options.Weights, Compatibility = Compatibility.LlamaCpp };
        using var language = LanguageModel.Load(textFile, options);
        Assert.That(language.UsesMrope, Is.EqualTo(golden.UsesMrope));
        var builder = new PromptBuilder(Tokenizer.Load(textFile.Metadata), textFile.Path, language.InputLength, language.UsesMrope, vision);
        IReadOnlyList<PromptPart> parts = builder.Build(golden.Prompt, golden.Images);

        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using KvCache cache = language.CreateCache(1024, KvType.F32);
        float[] logits = new float[language.VocabularySize];
        Queue<float[]> pixels = new(golden.ImageChunks.Select(golden.Pixels));
        int next = 0;
        foreach (PromptPart part in parts)
        {
            if (part is TextPart text) language.Forward(workspace, cache, Batch.Text(text.Ids, next), logits);
            else Read((PicturePart)part, next, VisionGoldenTests.WithPixels(((PicturePart)part).Tile, pixels.Dequeue(), visionFile.Metadata));
            next += part.Positions;
        }

        Npy expected = golden.Array("logits.npy", out bool exact);
        double tolerance = exact ? 1e-4 * golden.LogitsDeviation : 1e-2;
        if (name.StartsWith("ldp", StringComparison.Ordinal)) tolerance = 1e-2; // half precision in the depthwise convolution
        int position = golden.NextPosition;
        for (int step = 0; step < golden.Greedy.Length; step++)
        {
            float[] row = expected.Floats[(step * logits.Length)..((step + 1) * logits.Length)];
            double difference = VisionGoldenTests.MaxDifference(logits, row);
            TestContext.Out.WriteLine($"step {step}: largest difference {difference / golden.LogitsDeviation:G2} of the standard deviation");
            Assert.That(difference, Is.LessThan(tolerance), $"logits of step {step}");
            Assert.That(Array.IndexOf(logits, logits.Max()), Is.EqualTo(golden.Greedy[step]), $"greedy token {step}");
            if (step < golden.Greedy.Length - 1) language.Forward(workspace, cache, Batch.Text([golden.Greedy[step]], position++), logits);
        }

        unsafe void Read(PicturePart image, int first, ImageTile tile)
        {
            float[] embeddings = VisionGoldenTests.Encode(vision, workspace, tile);
            fixed (float* data = embeddings)
            {
                var rows = new Matrix(data, image.Tokens, vision.EmbeddingLength);
                language.Forward(workspace, cache, language.UsesMrope
                    ? Batch.Picture(rows, image.PositionsFrom(first), image.NonCausal)
                    : Batch.Picture(rows, first, image.NonCausal), logits);
            }
        }
    }
}
