using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Generation;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>Prompt layout of every golden, and prompts that cannot be.</summary>
public sealed class PromptBuilderTests
{
    [TestCaseSource(typeof(VlmGolden), nameof(VlmGolden.All))]
    public void LayoutIsExact(string name)
    {
        var golden = VlmGolden.Open(name);
        using GgufFile file = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(golden.Model);
        using var vision = VisionModel.Load(file, golden.Options);
        var builder = new PromptBuilder(Tokenizer.Load(text.Metadata), text.Path, golden.EmbeddingLength, golden.UsesMrope, vision);
        IReadOnlyList<PromptPart> chunks = builder.Build(golden.Prompt, golden.Images);

        JsonElement[] expected = [.. golden.Chunks];
        Assert.That(chunks, Has.Count.EqualTo(expected.Length));
        int position = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That(position, Is.EqualTo(expected[i].GetProperty("pos0").GetInt32()), $"position of part {i}");
            if (expected[i].GetProperty("type").GetString() == "text") Compare((TextPart)chunks[i], expected[i]);
            else Compare((PicturePart)chunks[i], position, expected[i]);
            position += chunks[i].Positions;
        }

        Assert.That(position, Is.EqualTo(golden.NextPosition));
    }

    [Test]
    public void EmbeddingsOfAnotherWidthAreRefused()
    {
        var golden = VlmGolden.Open("idefics3_single");
        using GgufFile file = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(VlmGolden.Open("lfm2").Model);
        using var vision = VisionModel.Load(file);
        var error = Assert.Throws<UnsupportedModelException>(() => _ = new PromptBuilder(Tokenizer.Load(text.Metadata), text.Path, 32, false, vision));
        Assert.That(error!.Message, Does.Contain(file.Path).And.Contain(text.Path).And.Contain("48").And.Contain("32"));
    }

    [Test]
    public void AVocabularyWithoutTheMarkersIsNamed()
    {
        var golden = VlmGolden.Open("idefics3_single");
        using GgufFile file = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(VlmGolden.Open("llava_clip").Model);
        using var vision = VisionModel.Load(file);
        var builder = new PromptBuilder(Tokenizer.Load(text.Metadata), text.Path, 48, false, vision);
        var error = Assert.Throws<UnsupportedModelException>(() => builder.Build(golden.Prompt, golden.Images));
        Assert.That(error!.Message, Does.Contain("token").And.Contain(text.Path).And.Contain(file.Path).And.Not.Contain("\n"));
    }

    [TestCase("no picture", 1)]
    [TestCase("<__media__> and <__media__>", 1)]
    [TestCase("<__media__>", 0)]
    public void PicturesAndPlacesMustMatch(string prompt, int pictures)
    {
        var golden = VlmGolden.Open("idefics3_single");
        using GgufFile file = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(golden.Model);
        using var vision = VisionModel.Load(file);
        var builder = new PromptBuilder(Tokenizer.Load(text.Metadata), text.Path, 48, false, vision);
        var image = RgbImage.FromRgb(new byte[12], 2, 2);
        Assert.Throws<PictureCountException>(() => builder.Build(prompt, [.. Enumerable.Repeat(image, pictures)]));
    }

    [Test]
    public void WithoutTilesThereIsTheOverviewAlone()
    {
        var golden = VlmGolden.Open("idefics3_tiles");
        using GgufFile file = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(golden.Model);
        using var vision = VisionModel.Load(file, golden.Options with { Tiles = false });
        var builder = new PromptBuilder(Tokenizer.Load(text.Metadata), text.Path, 48, false, vision);
        IReadOnlyList<PromptPart> chunks = builder.Build(golden.Prompt, golden.Images);
        Assert.That(chunks.OfType<PicturePart>().Count(), Is.EqualTo(1));
        Assert.That(((TextPart)chunks[0]).Ids.TakeLast(3), Is.EqualTo(new[] { 45, 6, 7 }));
    }

    private static void Compare(TextPart chunk, JsonElement expected) =>
        Assert.That(chunk.Ids, Is.EqualTo(expected.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32())));

    private static void Compare(PicturePart chunk, int position, JsonElement expected)
    {
        Assert.That(chunk.Tokens, Is.EqualTo(expected.GetProperty("n_tokens").GetInt32()));
        Assert.That(chunk.Positions, Is.EqualTo(expected.GetProperty("n_pos").GetInt32()));
        Assert.That(chunk.Grid.Columns, Is.EqualTo(expected.GetProperty("grid_nx").GetInt32()));
        Assert.That(chunk.Grid.Rows, Is.EqualTo(expected.GetProperty("grid_ny").GetInt32()));
        Assert.That(chunk.NonCausal, Is.EqualTo(expected.GetProperty("non_causal").GetBoolean()));
        if (!expected.TryGetProperty("mrope_t", out _)) return;
        Assert.That(chunk.PositionsFrom(position), Is.EqualTo(new[] { "mrope_t", "mrope_y", "mrope_x" }
            .SelectMany(axis => expected.GetProperty(axis).EnumerateArray().Select(position => position.GetInt32()))));
    }
}
