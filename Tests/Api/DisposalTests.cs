using TinyMllm.Engine;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Api;

/// <summary>
/// Sessions and models that are disposed at the wrong moment: an exception with a type, or the answer ends first; never the process.
/// </summary>
[TestFixture]
public sealed class DisposalTests
{
    /// <summary>An answer that takes seconds, a piece for each token.</summary>
    private static readonly GenerationOptions Long =
        new() { MaxTokens = int.MaxValue, LogProbabilities = 0, Sampling = new() { IgnoreEndOfGeneration = true, Temperature = 0 } };

    private static readonly ModelOptions LongContext = new() { Context = 4096 };

    private VisionLanguageModel _model = null!;
    private bool _watched;

    [OneTimeSetUp]
    public void Load() => _model = Demo.Load(LongContext);

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [SetUp]
    public void Watch() => (_watched, NativeHeap.WatchesFreed) = (NativeHeap.WatchesFreed, true);

    [TearDown]
    public void StopWatching()
    {
        NativeHeap.WatchesFreed = _watched;
        NativeHeap.CheckFreed();
    }

    [Test]
    public async Task ADisposedSessionAnswersNothing()
    {
        ChatSession session = _model.CreateSession();
        IAsyncEnumerable<GeneratedPiece> asked = session.GenerateAsync("What do you see?", [Demo.Picture("pizza")]);
        await Demo.ResultOf(session.GenerateAsync("What do you see?", [Demo.Picture("pizza")]));
        session.Dispose();
        session.Dispose();
        await session.DisposeAsync();
        Assert.That(() => session.GenerateAsync("Again?"),
            Throws.TypeOf<ObjectDisposedException>().With.Property("ObjectName").Contains("ChatSession"));
        Assert.That(async () => await Demo.ResultOf(asked), Throws.TypeOf<ObjectDisposedException>(), "asked before, read after");
        Assert.That(session.Turns, Has.Count.EqualTo(2), "what was said can still be read");
        session.Clear();
    }

    [Test]
    public void ASessionDisposedInItsOwnAnswerEndsTheAnswer([Values] bool async)
    {
        ChatSession session = _model.CreateSession();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece piece in session.GenerateAsync("What do you see?", [Demo.Picture("pizza")], Long))
            {
                if (async) await session.DisposeAsync();
                else session.Dispose();
            }
        }, Throws.InstanceOf<OperationCanceledException>().With.Message.Contains("disposed"));
        Assert.That(() => session.GenerateAsync("Again?"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(session.Turns, Is.Empty);
    }

    [Test]
    public async Task CancellingAndThenDisposingIsSafe()
    {
        for (int round = 0; round < 20; round++)
        {
            ChatSession session = _model.CreateSession();
            using var cancel = new CancellationTokenSource();
            IAsyncEnumerator<GeneratedPiece> pieces =
                session.GenerateAsync("What do you see?", [Demo.Picture("penguin")], Long, cancel.Token).GetAsyncEnumerator();
            for (int i = 0; i < round % 5; i++) await pieces.MoveNextAsync();
            ValueTask<bool> next = pieces.MoveNextAsync();
            cancel.Cancel();
            session.Dispose();
            Assert.That(async () =>
            {
                await next;
                while (await pieces.MoveNextAsync())
                {
                }
            }, Throws.InstanceOf<OperationCanceledException>());
            await pieces.DisposeAsync();
        }
    }

    [Test]
    public async Task AnAbandonedAnswerKeepsNothingAlive()
    {
        ChatSession session = _model.CreateSession();
        await session.GenerateAsync("What do you see?", [Demo.Picture("pizza")], Long).GetAsyncEnumerator().MoveNextAsync();
        Assert.That(async () => await Demo.ResultOf(session.GenerateAsync("And now?")), Throws.InvalidOperationException,
            "nobody said that it is over");
        session.Dispose();
        Assert.That(() => session.GenerateAsync("And now?"), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task AModelDisposedWhileSessionsAnswerEndsThemAll()
    {
        VisionLanguageModel model = Demo.Load(LongContext);
        ChatSession[] sessions = [.. Enumerable.Range(0, 4).Select(_ => model.CreateSession())];
        ChatSession idle = model.CreateSession();
        Task[] answers = [.. sessions.Select(session => Task.Run(async () =>
        {
            await foreach (GeneratedPiece _ in session.GenerateAsync("What do you see?", [Demo.Picture("sign")], Long))
            {
            }
        }))];
        IAsyncEnumerator<GeneratedPiece> abandoned =
            model.GenerateAsync("What do you see?", Demo.Picture("sign"), Long).GetAsyncEnumerator();
        await abandoned.MoveNextAsync();
        await Task.WhenAll(Task.Run(model.Dispose), Task.Run(model.Dispose), model.DisposeAsync().AsTask());
        foreach (Task answer in answers)
            Assert.That(() => answer, Throws.InstanceOf<OperationCanceledException>().Or.TypeOf<ObjectDisposedException>());
        foreach (ChatSession session in sessions.Append(idle))
        {
            Assert.That(() => session.GenerateAsync("Again?"), Throws.TypeOf<ObjectDisposedException>(), "the model disposed its sessions");
            session.Dispose();
        }

        Assert.That(() => model.GenerateAsync("?"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => model.CreateSession(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => model.EmbedAsync(Demo.Picture("sign")), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task AModelCanBeDisposedInsideAnAnswerOfItsOwn()
    {
        VisionLanguageModel model = Demo.Load(LongContext);
        ChatSession session = model.CreateSession();
        Assert.That(async () =>
        {
            await foreach (GeneratedPiece piece in session.GenerateAsync("What do you see?", [Demo.Picture("sign")], Long))
                await model.DisposeAsync();
        }, Throws.InstanceOf<OperationCanceledException>());
        await session.DisposeAsync();
    }

    /// <summary>A prompt is put together on the engine's thread, where waiting for the work to end would be waiting for oneself.</summary>
    [Test]
    public void DisposingFromWithinTheWorkDoesNotWaitForItself([Values] bool async)
    {
        VisionLanguageModel model = Demo.Load();
        bool closed = false;
        Assert.That(async () => await Demo.ResultOf(model.StreamPooled(() =>
        {
            if (async) model.DisposeAsync().AsTask().Wait();
            else model.Dispose();
            closed = true;
            return [];
        }, GenerationOptions.Default, default)), Throws.InstanceOf<Exception>());
        Assert.That(closed);
        model.Dispose();
        Assert.That(() => model.CreateSession(), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task DisposingGivesEverythingBack()
    {
        long before = NativeHeap.BytesInUse;
        VisionLanguageModel model = Demo.Load();
        ChatSession session = model.CreateSession(), forgotten = model.CreateSession();
        foreach (ChatSession conversation in new[] { session, forgotten })
            await Demo.ResultOf(conversation.GenerateAsync("What do you see?", [Demo.Picture("pizza")]));
        await model.AnswerAsync("What do you see?", [Demo.Picture("penguin")]);
        long loaded = NativeHeap.BytesInUse;
        session.Dispose();
        Assert.That(NativeHeap.BytesInUse, Is.InRange(before + 1, loaded - 1), "the session's memory");
        model.Dispose();
        Assert.That(NativeHeap.BytesInUse, Is.EqualTo(before));
    }

    [Test]
    public async Task EmbeddingsAndResultsOutliveTheirModel()
    {
        VisionLanguageModel model = Demo.Load();
        ImageEmbedding embedding = await model.EmbedAsync(Demo.Picture("pizza"));
        GenerationResult result = await model.AnswerAsync("What do you see?", [Demo.Picture("pizza")], new() { LogProbabilities = 1 });
        ImageEmbedding again = await model.EmbedAsync(Demo.Picture("pizza"));
        await model.DisposeAsync();
        ImageEmbedding expected = await _model.EmbedAsync(Demo.Picture("pizza"));
        Assert.That(embedding.Values.ToArray(), Is.EqualTo(expected.Values.ToArray()));
        Assert.That(again.Pool(), Is.EqualTo(expected.Pool()));
        Assert.That(result.Scores, Is.Not.Empty);
        Assert.That(model.Tokenizer.Decode(model.Tokenizer.Encode("a pizza", false, false)), Is.EqualTo("a pizza"));
        Assert.That(model.Info.Name, Is.EqualTo(_model.Info.Name));
    }

    [Test]
    public async Task AnOtherSessionGoesOnWhenOneIsDisposed()
    {
        using ChatSession kept = _model.CreateSession();
        ChatSession dropped = _model.CreateSession();
        Task<GenerationResult> answer = Demo.ResultOf(kept.GenerateAsync("What do you see?", [Demo.Picture("pizza")]));
        await foreach (GeneratedPiece _ in dropped.GenerateAsync("What do you see?", [Demo.Picture("penguin")], Long)) break;
        dropped.Dispose();
        Assert.That((await answer).Text, Is.EqualTo("a pizza on a green background."));
        Assert.That((await Demo.ResultOf(kept.GenerateAsync("What color is the background?"))).Text, Is.EqualTo("green."));
    }
}
