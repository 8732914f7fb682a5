using TinyMllm.Engine;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>A model whose layers are partly recurrent cannot forget single tokens, and still reads a picture only once.</summary>
[TestFixture]
public sealed class RecurrentModelTests
{
    private static readonly GenerationOptions Raw = new() { Raw = true, MaxTokens = 6, LogProbabilities = 0 };

    private static readonly RgbImage Picture = RgbImage.Load(Golden.Path("vlm/lfm2/image.png"));

    [Test]
    public async Task AnotherQuestionOnTheSamePictureReadsOnlyTheQuestion()
    {
        using VisionLanguageModel model = Load(), fresh = Load();
        GenerationResult first = await Ask(model, "<__media__>abc def ghi jkl?"), second = await Ask(model, "<__media__>xyz abc def ghi!");
        Assert.That(first.Usage.ReusedTokens, Is.Zero);
        Assert.That(second.Usage.ReusedTokens, Is.GreaterThanOrEqualTo(second.Usage.PictureTokens));
        AssertSame(second, await Ask(fresh, "<__media__>xyz abc def ghi!"));
    }

    [Test]
    public async Task TheSameQuestionAgainReadsOnlyItsEnd()
    {
        using VisionLanguageModel model = Load();
        const string prompt = "<__media__>abc def ghi jkl mno pqr stu vwx?";
        GenerationResult first = await Ask(model, prompt), again = await Ask(model, prompt);
        Assert.That(again.Usage.ReusedTokens, Is.EqualTo(first.Usage.PromptTokens - 8));
        AssertSame(again, first);
    }

    [Test]
    public async Task ACancelledAnswerDoesNotSpoilTheNextOne()
    {
        using VisionLanguageModel model = Load(), fresh = Load();
        using var cancel = new CancellationTokenSource();
        const string prompt = "<__media__>abc def ghi jkl mno pqr stu vwx?";
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece _ in model.GenerateAsync(prompt, Picture, Raw, cancel.Token)) await cancel.CancelAsync();
        }, Throws.InstanceOf<OperationCanceledException>());
        AssertSame(await Ask(model, prompt), await Ask(fresh, prompt));
    }

    private static VisionLanguageModel Load() => VisionLanguageModel.Load(
        Golden.Path("vlm/lfm2/model.gguf"), Golden.Path("vlm/lfm2/mmproj.gguf"),
        new ModelOptions { Activations = ActivationPrecision.Float32, KvType = KvType.F32, IdleConversations = 1 });

    private static Task<GenerationResult> Ask(VisionLanguageModel model, string prompt) => model.AnswerAsync(prompt, [Picture], Raw);

    private static void AssertSame(GenerationResult result, GenerationResult expected)
    {
        Assert.That(result.Scores.Select(score => score.Token), Is.EqualTo(expected.Scores.Select(score => score.Token)));
        Assert.That(result.Scores.Select(score => score.LogProbability),
            Is.EqualTo(expected.Scores.Select(score => score.LogProbability)).Within(1e-4));
    }
}
