using System.Diagnostics;
using System.Globalization;
using TinyMllm.Engine;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Api;

/// <summary>
/// Four threads open, ask, cancel and dispose at random, sessions and models alike, with freed memory watched: what is read after it was
/// freed is NaN and shows in an answer, what is written is found at the end. It takes a few seconds, or <c>TINYMLLM_STRESS_SECONDS</c>.
/// </summary>
[TestFixture]
[Category("Slow")]
public sealed class DisposalStressTests
{
    private const int Threads = 4;

    private const string Question = "What do you see?";

    private static readonly (string Picture, string Answer)[] Questions =
    [
        ("pizza", "a pizza on a green background."), ("penguin", "a penguin on a red background."),
        ("strawberry", "a strawberry on a yellow background."),
    ];

    private static readonly GenerationOptions Short = new() { LogProbabilities = 0 };

    private static readonly GenerationOptions Long =
        new() { LogProbabilities = 0, Sampling = new() { IgnoreEndOfGeneration = true, Temperature = 0 } };

    [Test]
    public async Task NothingIsUsedAfterItWasFreed()
    {
        double seconds = double.Parse(Environment.GetEnvironmentVariable("TINYMLLM_STRESS_SECONDS") ?? "4", CultureInfo.InvariantCulture);
        int seed = Environment.TickCount;
        bool watched = NativeHeap.WatchesFreed;
        NativeHeap.WatchesFreed = true;
        var work = new Workload();
        try
        {
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
            {
                var random = new Random(seed + thread);
                while (clock.Elapsed.TotalSeconds < seconds) await work.StepAsync(random);
            })));
        }
        finally
        {
            work.Dispose();
            NativeHeap.WatchesFreed = watched;
        }

        NativeHeap.CheckFreed();
        TestContext.Out.WriteLine($"seed {seed}: {work.Complete} answers complete, {work.Ended} ended, {work.Refused} refused");
        Assert.That(work.Complete, Is.GreaterThan(0), "some answers came to their end");
        Assert.That(work.Ended, Is.GreaterThan(0), "some were ended");
    }

    /// <summary>A model that is replaced now and then, and what is done with it.</summary>
    private sealed class Workload : IDisposable
    {
        private readonly Dictionary<string, RgbImage> _pictures =
            Questions.ToDictionary(question => question.Picture, question => Demo.Picture(question.Picture));

        private readonly Lock _replacing = new();
        private VisionLanguageModel _shared = Load();
        private int _complete, _ended, _refused;

        public int Complete => _complete;

        public int Ended => _ended;

        public int Refused => _refused;

        public void Dispose() => _shared.Dispose();

        public async Task StepAsync(Random random)
        {
            VisionLanguageModel model = _shared;
            try
            {
                switch (random.Next(12))
                {
                    case 0:
                        Replace(model);
                        break;
                    case 1:
                        ImageEmbedding embedding = await model.EmbedAsync(_pictures[Questions[random.Next(Questions.Length)].Picture]);
                        Assert.That(embedding.Pool(), Is.All.InRange(-1f, 1f));
                        break;
                    case < 5:
                        await AskAsync((images, options, stop) => model.GenerateAsync(Question, images, options, stop), null, random);
                        break;
                    default:
                        ChatSession session = model.CreateSession(random.Next(2) == 0 ? null : "You see pictures.");
                        for (int i = random.Next(1, 3); i > 0; i--)
                            await AskAsync((images, options, stop) => session.GenerateAsync(Question, images, options, stop), session, random);
                        if (random.Next(4) > 0) session.Dispose();
                        break;
                }
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _ended);
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref _refused);
            }
        }

        /// <summary>Asks, and reads the whole answer or leaves, cancels, disposes or forgets it after a few pieces.</summary>
        private async Task AskAsync(
            Func<RgbImage[], GenerationOptions, CancellationToken, IAsyncEnumerable<GeneratedPiece>> ask, ChatSession? session,
            Random random)
        {
            (string picture, string answer) = Questions[random.Next(Questions.Length)];
            var stop = new CancellationTokenSource();
            bool whole = random.Next(2) == 0;
            int pieces = random.Next(12), end = random.Next(6);
            IAsyncEnumerator<GeneratedPiece> reader = ask([_pictures[picture]], whole ? Short : Long, stop.Token).GetAsyncEnumerator();
            if (!whole && end == 0)
            {
                await reader.MoveNextAsync();
                throw new OperationCanceledException("forgotten");
            }

            try
            {
                for (int i = 0; await reader.MoveNextAsync(); i++)
                {
                    GeneratedPiece piece = reader.Current;
                    Assert.That(piece.Scores.Select(score => score.LogProbability), Is.All.InRange(-100f, 0f), "NaN is freed memory");
                    if (piece.Result is { } result && whole)
                    {
                        // In a session that was asked before, the answer may be worded in another way.
                        if (session is null) Assert.That(result.Text, Is.EqualTo(answer));
                        Interlocked.Increment(ref _complete);
                    }

                    if (whole || i < pieces) continue;
                    if (end == 1) break;
                    if (end == 2) await stop.CancelAsync();
                    else if (end == 3) session?.Dispose();
                    else if (end == 4) _ = Task.Run(() => session?.Dispose());
                    else if (session is not null) await session.DisposeAsync();
                    if (session is null && end > 2) break;
                }
            }
            finally
            {
                await reader.DisposeAsync();
            }
        }

        /// <summary>Puts another model in the place of one that the other threads are using, and disposes it.</summary>
        private void Replace(VisionLanguageModel model)
        {
            lock (_replacing)
            {
                if (_shared != model) return;
                _shared = Load();
            }

            model.Dispose();
        }

        private static VisionLanguageModel Load() => Demo.Load(new ModelOptions { Threads = 2 });
    }
}
