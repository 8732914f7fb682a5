using TinyMllm.Engine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>Conversations that start in the middle, split, are answered again, and outlive their process.</summary>
[TestFixture]
public sealed class SessionTests
{
    private const string Question = "What do you see?", Background = "What color is the background?";
    private const string Penguin = "a penguin on a red background.";
    private static readonly GenerationOptions Scored = new() { LogProbabilities = 2 };

    private VisionLanguageModel _model = null!;

    [OneTimeSetUp]
    public void Load() => _model = Demo.Load();

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public async Task ASessionGoesOnWithTurnsFromElsewhere()
    {
        using ChatSession session = _model.CreateSession([ChatTurn.User(Question, Demo.Picture("penguin")), ChatTurn.Assistant(Penguin)]);
        Assert.That((await session.AnswerAsync(Background)).Text, Is.EqualTo("red."));
        Assert.That(session.Turns, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task StreamingAndWholeAnswersAreCalledTheSameOnModelAndSession()
    {
        RgbImage penguin = Demo.Picture("penguin");
        var turn = ChatTurn.User(Question, penguin);
        using ChatSession session = _model.CreateSession(), streaming = _model.CreateSession();
        string[] answers =
        [
            (await _model.AnswerAsync(Question, penguin)).Text, (await _model.AnswerAsync(Question, [penguin])).Text,
            (await _model.AnswerAsync([turn])).Text, await Demo.TextOf(_model.GenerateAsync(Question, penguin)),
            (await session.AnswerAsync(Question, penguin)).Text, await Demo.TextOf(streaming.GenerateAsync(turn)),
        ];
        Assert.That(answers, Is.All.EqualTo(Penguin));
    }

    [Test]
    public async Task AForkGoesOnByItselfAndReadsNothingAgain()
    {
        using ChatSession session = _model.CreateSession();
        GenerationResult first = await session.AnswerAsync(Question, Demo.Picture("penguin"));
        using ChatSession fork = session.Fork();
        GenerationResult forked = await fork.AnswerAsync(Background, options: Scored);
        Assert.That(forked.Usage.ReusedTokens, Is.GreaterThanOrEqualTo(first.Usage.PromptTokens + first.Usage.GeneratedTokens - 1));
        Assert.That((session.Turns.Count, fork.Turns.Count), Is.EqualTo((2, 4)));
        AssertSame(await session.AnswerAsync(Background, options: Scored), forked);
        session.Dispose();
        Assert.That((await fork.AnswerAsync(Question)).Text, Is.Not.Empty, "the fork lives on");
    }

    [Test]
    public async Task AnAnswerIsMadeAgain()
    {
        using ChatSession session = _model.CreateSession();
        Assert.That(() => session.AnswerAgainAsync(), Throws.InvalidOperationException, "there is no answer yet");
        await session.AnswerAsync(Question, Demo.Picture("penguin"), new() { MaxTokens = 2 });
        GenerationResult whole = await session.AnswerAgainAsync();
        Assert.That(whole.Text, Is.EqualTo(Penguin));
        Assert.That(whole.Usage.ReusedTokens, Is.EqualTo(whole.Usage.PromptTokens - 1), "only the last token is read, for its logits");
        Assert.That(session.Turns.Select(turn => turn.Message.Parts[^1].Text), Is.EqualTo(new[] { Question, Penguin }));

        using var cancel = new CancellationTokenSource();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece _ in session.GenerateAgainAsync(cancellationToken: cancel.Token)) await cancel.CancelAsync();
        }, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(session.Turns[^1].Message.Parts[^1].Text, Is.EqualTo(Penguin), "a cancelled one changes nothing");
    }

    [TestCase(KvType.F16)]
    [TestCase(KvType.F32)]
    [TestCase(KvType.Q8_0)]
    public async Task ASavedSessionGoesOnInAnotherModel(KvType type)
    {
        using VisionLanguageModel here = Demo.Load(new ModelOptions { KvType = type }), there = Demo.Load(new ModelOptions { KvType = type });
        using ChatSession session = here.CreateSession("Be brief.");
        GenerationResult first = await session.AnswerAsync(Question, Demo.Picture("penguin"));
        using var stream = new MemoryStream();
        await session.SaveAsync(stream);
        stream.WriteByte(42);
        GenerationResult expected = await session.AnswerAsync(Background, options: Scored);

        stream.Position = 0;
        using ChatSession restored = await there.RestoreSessionAsync(stream);
        Assert.That(stream.ReadByte(), Is.EqualTo(42), "read to the session's end and no further");
        Assert.That(restored.Turns.Select(turn => turn.Message.Parts[^1].Text), Is.EqualTo(session.Turns.Take(3).Select(turn => turn.Message.Parts[^1].Text)));
        Assert.That(restored.Turns[1].Images[0].Pixels.ToArray(), Is.EqualTo(session.Turns[1].Images[0].Pixels.ToArray()));
        GenerationResult second = await restored.AnswerAsync(Background, options: Scored);
        AssertSame(second, expected);
        Assert.That(second.Usage, Is.EqualTo(expected.Usage));
        Assert.That(second.Usage.ReusedTokens, Is.GreaterThanOrEqualTo(first.Usage.PromptTokens), "nothing is read again");
        Assert.That(second.Timings.Pictures, Is.EqualTo(TimeSpan.Zero), "no picture is encoded again");
    }

    [Test]
    public async Task ARecurrentModelsSessionIsForkedAndSavedWithItsStates()
    {
        using var model = VisionLanguageModel.Load(Golden.Path("vlm/lfm2/model.gguf"), Golden.Path("vlm/lfm2/mmproj.gguf"),
            new ModelOptions { ChatTemplate = "chatml" });
        var picture = RgbImage.Load(Golden.Path("vlm/lfm2/image.png"));
        var options = new GenerationOptions { MaxTokens = 5, LogProbabilities = 0, Sampling = SamplerOptions.Greedy };
        using ChatSession session = model.CreateSession();
        await session.AnswerAsync("abc", picture, options);
        using ChatSession fork = session.Fork();
        using var stream = new MemoryStream();
        await session.SaveAsync(stream);
        stream.Position = 0;
        using ChatSession restored = await model.RestoreSessionAsync(stream);
        GenerationResult expected = await session.AnswerAsync("def", options: options);
        Assert.That(expected.Usage.ReusedTokens, Is.Positive);
        AssertSame(await fork.AnswerAsync("def", options: options), expected);
        AssertSame(await restored.AnswerAsync("def", options: options), expected);
    }

    [Test]
    public async Task APictureOfAnAbandonedAnswerIsNotSaved()
    {
        using ChatSession session = _model.CreateSession();
        using var cancel = new CancellationTokenSource();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece _ in session.GenerateAsync(Question, Demo.Picture("pizza"), cancellationToken: cancel.Token))
                await cancel.CancelAsync();
        }, Throws.InstanceOf<OperationCanceledException>());
        using var stream = new MemoryStream();
        await session.SaveAsync(stream);
        stream.Position = 0;
        using ChatSession restored = await _model.RestoreSessionAsync(stream);
        Assert.That(restored.Turns, Is.Empty);
        Assert.That((await restored.AnswerAsync(Question, Demo.Picture("penguin"))).Text, Is.EqualTo(Penguin));
    }

    [Test]
    public async Task ASessionOfAnotherModelOrNoneIsRefused()
    {
        using ChatSession session = _model.CreateSession("Be brief.");
        await session.AnswerAsync("Hello", options: new() { MaxTokens = 1 });
        byte[] saved = await Save(session);
        using VisionLanguageModel blind = VisionLanguageModel.Load(Demo.ModelPath), other = Demo.Load(new ModelOptions { KvType = KvType.F32 });
        using VisionLanguageModel narrow = Demo.Load(new ModelOptions { Context = 4 });
        foreach (VisionLanguageModel model in new[] { blind, other, narrow })
            Assert.That(() => Restore(model, saved), Throws.TypeOf<SessionFormatException>().With.Message.StartsWith("saved session: "));
        Assert.That(() => Restore(_model, File.ReadAllBytes(Demo.Sample("pizza"))), Throws.TypeOf<SessionFormatException>());
        Assert.That(() => Restore(_model, []), Throws.TypeOf<SessionFormatException>().With.Property("Kind").EqualTo(TinyMllmErrorKind.InvalidSession));
    }

    [Test]
    public async Task ADamagedSessionIsRefusedOrHarmless()
    {
        using ChatSession session = _model.CreateSession();
        await session.AnswerAsync(Question, RgbImage.FromRgb(new byte[8 * 8 * 3], 8, 8), new() { MaxTokens = 3 });
        byte[] saved = await Save(session);
        for (int length = 0; length < saved.Length; length += 1 + (length < 1024 ? 6 : saved.Length / 16))
            Assert.That(() => Restore(_model, saved[..length]), Throws.TypeOf<SessionFormatException>(), $"cut to {length}");

        var random = new Random(7);
        for (int trial = 0; trial < 300; trial++)
        {
            byte[] damaged = [.. saved];
            damaged[random.Next(Math.Min(1500, damaged.Length))] = (byte)random.Next(256);
            try
            {
                (await _model.RestoreSessionAsync(new MemoryStream(damaged))).Dispose();
            }
            catch (SessionFormatException)
            {
                // As it should be.
            }
        }
    }

    [Test]
    public void AnAnsweringSessionIsLeftAlone()
    {
        using ChatSession session = _model.CreateSession();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece _ in session.GenerateAsync(Question, Demo.Picture("sign")))
            {
                Assert.That(session.Fork, Throws.InvalidOperationException);
                Assert.That(session.Clear, Throws.InvalidOperationException);
                Assert.That(() => session.SaveAsync(Stream.Null), Throws.InvalidOperationException);
            }
        }, Throws.Nothing);
    }

    private static async Task<byte[]> Save(ChatSession session)
    {
        using var stream = new MemoryStream();
        await session.SaveAsync(stream);
        return stream.ToArray();
    }

    private static Task<ChatSession> Restore(VisionLanguageModel model, byte[] saved) => model.RestoreSessionAsync(new MemoryStream(saved));

    private static void AssertSame(GenerationResult result, GenerationResult expected)
    {
        Assert.That(result.Text, Is.EqualTo(expected.Text));
        Assert.That(result.Scores.Select(score => score.LogProbability), Is.EqualTo(expected.Scores.Select(score => score.LogProbability)));
    }
}
