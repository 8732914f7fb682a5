using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Language;

public class LanguageModelTests
{
    private static readonly string[] Kinds = ["llm/llama", "llm/lfm2", "llm/mamba", "llm/olmoe", "llm/gemma3", "llm_weight_types/q4_k"];

    private static readonly int[] Prompt = [1, 52, 50, 297, 187, 220, 224, 265, 13, 182, 57, 151, 345, 205, 28, 203, 50, 281, 352, 36, 232, 323, 139];

    [TestCaseSource(nameof(Kinds))]
    public void LogitsDoNotDependOnTheNumberOfThreads(string folder)
    {
        using var golden = new GoldenCase(folder);
        float[][][] runs = [.. new[] { 1, 2, 3 }.Select(threads => golden.Run(new LanguageModelOptions(), KvType.F16, threads))];
        for (int row = 0; row < runs[0].Length; row++)
        {
            Assert.That(runs[1][row], Is.EqualTo(runs[0][row]), $"2 threads, row {row}");
            Assert.That(runs[2][row], Is.EqualTo(runs[0][row]), $"3 threads, row {row}");
        }
    }

    /// <summary>A prompt in chunks of five, also fed token by token, ends like the same prompt at once.</summary>
    [TestCaseSource(nameof(Kinds))]
    public void ChunksDoNotChangeTheResult(string folder)
    {
        using var session = new Session(folder);
        using var small = LanguageModel.Load(session.File, session.Options with { ChunkLength = 5 });
        float[] whole = session.Read(session.Model, Prompt), chunked = session.Read(small, Prompt);
        Assert.That(chunked, Is.EqualTo(whole).Within(1e-4));

        using var cache = session.Model.CreateCache(64, KvType.F32);
        float[] single = new float[session.Model.VocabularySize];
        for (int i = 0; i < Prompt.Length; i++) session.Model.Forward(session.Workspace, cache, Batch.Text([Prompt[i]], i), single);
        Assert.That(single, Is.EqualTo(whole).Within(1e-4));
    }

    [Test]
    public void AllRowsOfABatchCanBeAskedFor()
    {
        using var session = new Session("llm/llama");
        int vocabulary = session.Model.VocabularySize;
        using var cache = session.Model.CreateCache(64, KvType.F32);
        float[] all = new float[Prompt.Length * vocabulary];
        session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), all);
        for (int length = 1; length <= Prompt.Length; length += 7)
        {
            float[] last = session.Read(session.Model, Prompt[..length]);
            Assert.That(all[((length - 1) * vocabulary)..(length * vocabulary)], Is.EqualTo(last).Within(1e-4), $"row {length - 1}");
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public void ATokenAllocatesNothing(string folder)
    {
        using var session = new Session(folder);
        using var cache = session.Model.CreateCache(128);
        float[] logits = new float[session.Model.VocabularySize];
        int[] token = [7];
        session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), logits);
        for (int i = 0; i < 40; i++) session.Model.Forward(session.Workspace, cache, Batch.Text(token, cache.Length), logits);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 8; i++) session.Model.Forward(session.Workspace, cache, Batch.Text(token, cache.Length), logits);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [TestCaseSource(nameof(Kinds))]
    public void ASnapshotIsAPlaceToReturnTo(string folder)
    {
        using var session = new Session(folder);
        using var cache = session.Model.CreateCache(64);
        float[] first = new float[session.Model.VocabularySize], second = new float[session.Model.VocabularySize];
        session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), default);
        var snapshot = cache.Snapshot();
        session.Model.Forward(session.Workspace, cache, Batch.Text([3, 4, 5], cache.Length), first);
        cache.Restore(snapshot);
        session.Model.Forward(session.Workspace, cache, Batch.Text([9], cache.Length), second);
        cache.Restore(snapshot);
        session.Model.Forward(session.Workspace, cache, Batch.Text([3, 4, 5], cache.Length), second);
        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public void ACopiedCacheContinuesAlike([ValueSource(nameof(Kinds))] string folder, [Values] KvType type)
    {
        using var session = new Session(folder);
        using var cache = session.Model.CreateCache(64, type);
        using var copy = session.Model.CreateCache(96, type);
        float[] first = new float[session.Model.VocabularySize], second = new float[session.Model.VocabularySize];
        session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), default);
        cache.CopyTo(copy);
        session.Model.Forward(session.Workspace, cache, Batch.Text([3, 4, 5], cache.Length), first);
        session.Model.Forward(session.Workspace, copy, Batch.Text([3, 4, 5], copy.Length), second);
        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public void MoreTokensThanTheCacheHoldsAreRefusedBeforeAnythingIsRead()
    {
        using var session = new Session("llm/llama");
        using var cache = session.Model.CreateCache(20);
        Assert.That(
            () => session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), default),
            Throws.TypeOf<ContextOverflowException>().With.Property("Needed").EqualTo(Prompt.Length).And.Property("Capacity").EqualTo(20));
        Assert.That(cache.Length, Is.Zero);
    }

    [Test]
    public unsafe void WrongInputIsRefused()
    {
        using var session = new Session("llm/llama");
        using var cache = session.Model.CreateCache(64);
        using var rows = new NativeBuffer<float>(128, clear: true);
        Assert.Multiple(() =>
        {
            Assert.That(() => session.Model.Forward(session.Workspace, cache, Batch.Text([372], 0), default), Throws.ArgumentException);
            Assert.That(() => session.Model.Forward(session.Workspace, cache, Batch.Text([-1], 0), default), Throws.ArgumentException);
            Assert.That(() => session.Model.Forward(session.Workspace, cache, Batch.Text([1], 0), new float[5]), Throws.ArgumentException);
            Assert.That(
                () => session.Model.Forward(session.Workspace, cache, Batch.Picture(new Matrix(rows.Pointer, 2, 48), 0), default),
                Throws.ArgumentException.With.Message.Contains("wrong mmproj"));
            Assert.That(() => Batch.Picture(new Matrix(rows.Pointer, 2, 64), [1, 2, 3]), Throws.ArgumentException);
        });
        Assert.That(cache.Length, Is.Zero);
    }

    [Test]
    public void ACancelledPromptStopsBetweenChunks()
    {
        using var session = new Session("llm/llama");
        using var cache = session.Model.CreateCache(64);
        Assert.That(
            () => session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), default, new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void WhatIsDisposedIsNotUsed([Values("model", "file", "workspace", "cache")] string part)
    {
        using var session = new Session("llm/llama");
        using var cache = session.Model.CreateCache(64);
        session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), default);
        IDisposable gone = part switch { "model" => session.Model, "file" => session.File, "workspace" => session.Workspace, _ => cache };
        gone.Dispose();
        gone.Dispose();
        float[] logits = new float[session.Model.VocabularySize];
        Assert.That(
            () => session.Model.Forward(session.Workspace, cache, Batch.Text([3], cache.Length), logits),
            Throws.TypeOf<ObjectDisposedException>().With.Property("ObjectName").Contains(gone.GetType().Name));
        Assert.That(logits, Is.All.Zero);
    }

    /// <summary>Another thread disposes everything while one reads: a batch is read whole or refused, and its numbers are right.</summary>
    [TestCase("llm/llama")]
    [TestCase("llm/mamba")]
    public void WhatIsDisposedDuringABatchLivesUntilItsEnd(string folder)
    {
        bool watched = NativeHeap.WatchesFreed;
        NativeHeap.WatchesFreed = true;
        float[] expected;
        using (var session = new Session(folder)) expected = session.Read(session.Model, Prompt);
        for (int round = 0; round < 20; round++)
        {
            using var session = new Session(folder);
            KvCache cache = session.Model.CreateCache(64, KvType.F32);
            using var begun = new ManualResetEventSlim();
            var reader = Task.Run(() =>
            {
                float[] logits = new float[expected.Length];
                for (int i = 0; ; i++)
                {
                    if (cache.Length > 0) cache.Truncate(0);
                    session.Model.Forward(session.Workspace, cache, Batch.Text(Prompt, 0), logits);
                    Assert.That(logits, Is.EqualTo(expected));
                    begun.Set();
                }
            });
            begun.Wait(TimeSpan.FromSeconds(30));
            IDisposable[] parts = [session.Model, session.File, session.Workspace, cache];
            Random.Shared.Shuffle(parts);
            Thread.SpinWait(round * 1000);
            foreach (IDisposable part in parts) part.Dispose();
            Assert.That(() => reader, Throws.TypeOf<ObjectDisposedException>());
        }

        NativeHeap.CheckFreed();
        NativeHeap.WatchesFreed = watched;
    }

    /// <summary>Packing lets go of the mapped pages of the token embedding, which the other model reads row by row.</summary>
    [Test]
    public void AModelReadsWhileAnotherIsLoadedFromTheSameFile()
    {
        using var session = new Session("llm/gemma3");
        Assert.That(session.File.FindTensor("output.weight"), Is.Null, "the output matrix is the token embedding");
        float[] expected = session.Read(session.Model, Prompt);
        var loading = Task.Run(() =>
        {
            for (int i = 0; i < 100; i++) LanguageModel.Load(session.File, session.Options).Dispose();
        });
        while (!loading.IsCompleted) Assert.That(session.Read(session.Model, Prompt), Is.EqualTo(expected));
        Assert.That(() => loading, Throws.Nothing);
    }

    /// <summary>A model with its session, options exact.</summary>
    private sealed class Session : IDisposable
    {
        private readonly WorkerPool _pool = new(2);

        public Session(string folder)
        {
            File = GgufFile.Open(Golden.Path(folder + "/model.gguf"));
            Workspace = new Workspace(_pool);
            Model = LanguageModel.Load(File, Options);
        }

        public LanguageModelOptions Options { get; } = new() { Weights = new WeightOptions { Activations = ActivationPrecision.Float32 } };

        public GgufFile File { get; }

        public Workspace Workspace { get; }

        public LanguageModel Model { get; }

        public float[] Read(LanguageModel model, int[] tokens)
        {
            using var cache = model.CreateCache(64, KvType.F32);
            float[] logits = new float[model.VocabularySize];
            model.Forward(Workspace, cache, Batch.Text(tokens, 0), logits);
            return logits;
        }

        public void Dispose()
        {
            Model.Dispose();
            Workspace.Dispose();
            _pool.Dispose();
            File.Dispose();
        }
    }
}
