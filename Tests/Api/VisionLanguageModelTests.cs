using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Grammars;

namespace TinyMllm.Tests.Api;

/// <summary>The public face on the demo model.</summary>
[TestFixture]
public sealed class VisionLanguageModelTests
{
    private const string Strawberry = "a strawberry on a yellow background.";
    private const string Pizza = "a pizza on a green background.";
    private const string Penguin = "a penguin on a red background.";

    private VisionLanguageModel _model = null!;

    [OneTimeSetUp]
    public void Load() => _model = Demo.Load();

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public void InfoSaysWhatWasLoaded()
    {
        Assert.That(_model.Info,
            Has.Property("Architecture").EqualTo("llama").And.Property("Projector").EqualTo("idefics3").And.Property("Context")
            .EqualTo(512));
        Assert.That(_model.Info.Weights, Is.EqualTo(8_570_000).Within(50_000));
        Assert.That(_model.SupportsImages, Is.True);
    }

    [Test]
    public void LoadingReportsEveryLayerAndCanBeCancelled()
    {
        var reports = new Reports();
        VisionLanguageModel.Load(Demo.ModelPath, Demo.ProjectorPath, progress: reports).Dispose();
        Assert.That(reports.Shares, Is.Ordered.Ascending.And.All.InRange(0, 1));
        Assert.That((reports.Shares[0], reports.Shares[^1]), Is.EqualTo((0.0, 1.0)));
        Assert.That(reports.Shares.Distinct().Count(), Is.GreaterThanOrEqualTo(4 + 4), "steps and layers");

        using var cancel = new CancellationTokenSource();
        var cancelling = new Reports { AtLayer = cancel.Cancel };
        Assert.That(() => VisionLanguageModel.LoadAsync(Demo.ModelPath, Demo.ProjectorPath, null, cancelling, cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(cancelling.Shares, Has.Count.LessThan(reports.Shares.Count - 2), "no layer after the one that was under way");
    }

    [Test]
    public async Task AnswersStream()
    {
        var pieces = new List<GeneratedPiece>();
        await foreach (GeneratedPiece piece in _model.GenerateAsync("What do you see?", Demo.Picture("strawberry"))) pieces.Add(piece);
        Assert.That(string.Concat(pieces), Is.EqualTo(Strawberry));
        Assert.That(pieces, Has.Count.GreaterThan(3));
        Assert.That(pieces.SkipLast(1).Select(piece => piece.Result), Is.All.Null);
        GenerationResult result = pieces[^1].Result!;
        Assert.That((result.Text, result.FinishReason), Is.EqualTo((Strawberry, FinishReason.EndOfTurn)));
        Assert.That(result.Usage.PictureTokens, Is.EqualTo(16));
        Assert.That(result.Timings.FirstToken, Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task EveryWayToGiveAPictureGivesTheSameAnswer()
    {
        byte[] file = File.ReadAllBytes(Demo.Sample("pizza"));
        RgbImage loaded = Demo.Picture("pizza");
        using var stream = new MemoryStream(file);
        foreach (RgbImage image in new[] { loaded, RgbImage.Decode(file), RgbImage.Decode(stream),
            RgbImage.FromRgb(loaded.Pixels.Span, loaded.Width, loaded.Height) })
        {
                Assert.That((await _model.AnswerAsync("What do you see?", [image])).Text, Is.EqualTo(Pizza));
        }
    }

    [Test]
    public async Task ManyRequestsAtOnceDoNotDisturbEachOther()
    {
        (string Picture, string Answer)[] questions = [("pizza", Pizza), ("penguin", Penguin), ("strawberry", Strawberry)];
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
            (await _model.AnswerAsync("What do you see?", [Demo.Picture(questions[i % 3].Picture)])).Text));
        Assert.That(answers, Is.EqualTo(Enumerable.Range(0, 12).Select(i => questions[i % 3].Answer)));
    }

    [Test]
    public async Task SessionsWithDifferentPicturesRunAtOnceAsTheyDoAlone()
    {
        string[] pictures = ["pizza", "penguin", "strawberry", "cat_and_car"];
        var options = new GenerationOptions { LogProbabilities = 2 };
        async Task<float[]> AskAsync(VisionLanguageModel model, string picture)
        {
            using ChatSession session = model.CreateSession();
            GenerationResult first = await Demo.ResultOf(session.GenerateAsync("What do you see?", [Demo.Picture(picture)], options));
            GenerationResult second = await Demo.ResultOf(session.GenerateAsync("What color is the background?", options: options));
            return [.. first.Scores.Concat(second.Scores).SelectMany(score => new[] { score.Token, score.LogProbability })];
        }

        using VisionLanguageModel alone = Demo.Load(), shared = Demo.Load();
        var expected = new List<float[]>();
        foreach (string picture in pictures) expected.Add(await AskAsync(alone, picture));
        float[][] together = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => AskAsync(shared, pictures[i % 4]))));
        for (int i = 0; i < together.Length; i++) Assert.That(together[i], Is.EqualTo(expected[i % 4]), $"bit by bit, {pictures[i % 4]}");
    }

    [Test]
    public async Task TheNumberOfThreadsChangesNothing([Values(1, 2, 3)] int threads)
    {
        using VisionLanguageModel model = Demo.Load(new ModelOptions { Threads = threads });
        var options = new GenerationOptions { LogProbabilities = 3 };
        GenerationResult expected = await Demo.ResultOf(_model.GenerateAsync("What do you see?", Demo.Picture("cat_and_car"), options));
        GenerationResult result = await Demo.ResultOf(model.GenerateAsync("What do you see?", Demo.Picture("cat_and_car"), options));
        Assert.That(result.Scores.Select(score => score.LogProbability), Is.EqualTo(expected.Scores.Select(score => score.LogProbability)));
    }

    [Test]
    public async Task ASessionReadsOnlyWhatIsNewAndEncodesAPictureOnce()
    {
        using ChatSession session = _model.CreateSession();
        GenerationResult first = await Demo.ResultOf(session.GenerateAsync("What do you see?", [Demo.Picture("penguin")]));
        GenerationResult second = await Demo.ResultOf(session.GenerateAsync("What color is the background?"));
        Assert.That((first.Text, second.Text), Is.EqualTo((Penguin, "red.")));
        Assert.That(second.Usage.ReusedTokens, Is.GreaterThanOrEqualTo(first.Usage.PromptTokens + first.Usage.GeneratedTokens - 1));
        Assert.That(second.Timings.Pictures, Is.EqualTo(TimeSpan.Zero));
        Assert.That(session.Turns, Has.Count.EqualTo(4));

        session.Clear();
        Assert.That((await Demo.ResultOf(session.GenerateAsync("What do you see?", [Demo.Picture("pizza")]))).Text, Is.EqualTo(Pizza));
    }

    [Test]
    public async Task ACancelledAnswerLeavesTheSessionAsItWas()
    {
        using ChatSession session = _model.CreateSession();
        using var cancel = new CancellationTokenSource();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece _ in session.GenerateAsync("What do you see?", [Demo.Picture("penguin")],
                cancellationToken: cancel.Token))
            {
                await cancel.CancelAsync();
            }
        }, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(session.Turns, Is.Empty);
        Assert.That((await Demo.ResultOf(session.GenerateAsync("What do you see?", [Demo.Picture("penguin")]))).Text, Is.EqualTo(Penguin));
    }

    [Test]
    public void ACancelledRequestDoesNotBegin()
    {
        Assert.That(() => _model.AnswerAsync("What do you see?", [Demo.Picture("penguin")], cancellationToken: new CancellationToken(true)),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task DisposingEndsWhatIsUnderWay()
    {
        VisionLanguageModel model = Demo.Load();
        IAsyncEnumerator<GeneratedPiece> pieces =
            model.GenerateAsync("What do you see?", Demo.Picture("cat_and_car"),
            new() { Sampling = new() { IgnoreEndOfGeneration = true, Temperature = 0 } }).GetAsyncEnumerator();
        Assert.That(await pieces.MoveNextAsync(), Is.True);
        model.Dispose();
        model.Dispose();
        try
        {
            while (await pieces.MoveNextAsync())
            {
            }
        }
        catch (OperationCanceledException)
        {
            // Unless the answer was complete before the model was disposed.
        }

        await pieces.DisposeAsync();
        Assert.That(() => model.AnswerAsync("x"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => model.CreateSession(), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task LogProbabilitiesAreThoseOfTheChosenTokens()
    {
        GenerationResult result = await _model.AnswerAsync("What do you see?", [Demo.Picture("pizza")], new() { LogProbabilities = 2 });
        Assert.That(result.Scores, Has.Count.EqualTo(result.Usage.GeneratedTokens));
        Assert.That(result.Scores.Select(score => score.Alternatives[0].Token), Is.EqualTo(result.Scores.Select(score => score.Token)),
            "greedy");
        Assert.That(result.Scores.Select(score => score.LogProbability), Is.All.InRange(-5f, 0f));
    }

    [Test]
    public async Task AnswersFollowAGrammarOrASchema()
    {
        RgbImage[] pizza = [Demo.Picture("pizza")];
        GenerationResult yes = await _model.AnswerAsync("What do you see?", pizza, new() { Grammar = "root ::= \"yes\" | \"no\"" });
        Assert.That(yes.Text, Is.AnyOf("yes", "no"));
        var schema = new GenerationOptions { JsonSchema = """{"type":"object","properties":{"count":{"type":"integer","minimum":0,"maximum":9}},"required":["count"],"additionalProperties":false}""" };
        using var json = JsonDocument.Parse((await _model.AnswerAsync("How many objects are there?", pizza, schema)).Text);
        Assert.That(json.RootElement.GetProperty("count").GetInt32(), Is.InRange(0, 9));
        Assert.That(() => _model.AnswerAsync("?", pizza, new() { Grammar = "root ::= (" }), Throws.TypeOf<GrammarException>());
        Assert.That(() => _model.AnswerAsync("?", pizza, schema with { Grammar = "root ::= \"x\"" }), Throws.TypeOf<GrammarException>());
    }

    [Test]
    public async Task AMarkerThatAUserTypesIsText()
    {
        Assert.That((await _model.AnswerAsync("What is <__media__> this?", [Demo.Picture("pizza")])).Text, Is.Not.Empty);
    }

    [Test]
    public async Task EmbeddingsOfAPicture()
    {
        ImageEmbedding pizza = await _model.EmbedAsync(Demo.Picture("pizza")), again =
            await _model.EmbedAsync(Demo.Picture("pizza")), penguin = await _model.EmbedAsync(Demo.Picture("penguin"));
        Assert.That((pizza.Tokens, pizza.Features, pizza.Values.Length), Is.EqualTo((16, 256, 16 * 256)));
        Assert.That(again.Values.ToArray(), Is.EqualTo(pizza.Values.ToArray()));
        Assert.That(pizza.Pool().Sum(value => value * value), Is.EqualTo(1).Within(1e-5));
        Assert.That(pizza.Pool(), Is.Not.EqualTo(penguin.Pool()));
    }

    [Test]
    public void WhatCannotBeDoneIsSaidWithAType()
    {
        Assert.That(() => VisionLanguageModel.Load("/no/such.gguf"), Throws.InstanceOf<IOException>());
        Assert.That(() => VisionLanguageModel.Load(Demo.Sample("pizza")), Throws.TypeOf<GgufFormatException>());
        Assert.That(() => VisionLanguageModel.Load(Demo.ProjectorPath), Throws.TypeOf<UnsupportedModelException>());
        Assert.That(() => VisionLanguageModel.Load(Demo.ModelPath, Demo.ModelPath),
            Throws.InstanceOf<Exception>().With.Message.Contains("demo-q8_0.gguf"));
        Assert.That(() => VisionLanguageModel.Load(Demo.ModelPath, options: new() { Context = -1 }),
            Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => _model.AnswerAsync(new string('x', 3000)), Throws.TypeOf<ContextOverflowException>());
        using var blind = VisionLanguageModel.Load(Demo.ModelPath);
        Assert.That(() => blind.AnswerAsync("?", [Demo.Picture("pizza")]),
            Throws.TypeOf<UnsupportedModelException>().With.Message.Contains("mmproj"));
        Assert.That(() => blind.EmbedAsync(Demo.Picture("pizza")), Throws.TypeOf<UnsupportedModelException>());
        Assert.That(() => blind.AsImageEmbeddingGenerator(), Throws.TypeOf<UnsupportedModelException>());
    }

    [Test]
    public async Task AnExactModelAgrees()
    {
        using VisionLanguageModel exact = Demo.Load(new ModelOptions { Activations = ActivationPrecision.Float32, KvType = KvType.F32 });
        Assert.That((await exact.AnswerAsync("What do you see?", [Demo.Picture("pizza")])).Text, Is.EqualTo(Pizza));
    }

    [TestCase(1, 1)]
    [TestCase(2000, 10)]
    public async Task ExtremePicturesAreAnswered(int width, int height)
    {
        var image = RgbImage.FromRgb(new byte[width * height * 3], width, height);
        Assert.That((await _model.AnswerAsync("What do you see?", [image])).Text, Is.Not.Empty);
    }

    private sealed class Reports : IProgress<LoadProgress>
    {
        public List<double> Shares { get; } = [];

        public Action? AtLayer { get; init; }

        public void Report(LoadProgress value)
        {
            Shares.Add(value.Fraction);
            if (value.Step == "language model") AtLayer?.Invoke();
        }
    }
}
