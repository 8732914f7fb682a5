using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>What holds for every family: extreme pictures, thread counts, cancellation, progress, token limits.</summary>
public sealed class VisionModelTests
{
    /// <summary>Main folders but DeepSeek-OCR, whose pages are 1024² whatever comes in.</summary>
    private static string[] Families => [.. VlmGolden.All.Where(name => !name.Contains('/') && name != "deepseekocr")];

    [TestCaseSource(nameof(Families))]
    public void ExtremePicturesAreEncoded(string name)
    {
        using var file = GgufFile.Open(VlmGolden.Open(name).Mmproj);
        using var model = VisionModel.Load(file);
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        foreach ((int width, int height) in new[] { (1, 1), (20000, 10), (3, 700) })
        {
            byte[] pixels = new byte[width * height * 3];
            new Random(7).NextBytes(pixels);
            PreparedImage image = model.Prepare(RgbImage.FromRgb(pixels, width, height));
            Assert.That(image.TokenCount, Is.GreaterThan(0));
            float[] embeddings = VisionGoldenTests.Encode(model, workspace, image.Tiles.Last());
            Assert.That(embeddings.All(float.IsFinite), $"{width}×{height}");
        }
    }

    [TestCase("idefics3_tiles")]
    [TestCase("qwen25vl")]
    [TestCase("ldp")]
    [TestCase("minicpmv45")]
    public void TheNumberOfThreadsChangesNothing(string name)
    {
        var golden = VlmGolden.Open(name);
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file);
        ImageTile tile = model.Prepare(golden.Images[0]).Tiles.First();
        float[][] results = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var pool = new WorkerPool(threads);
            using var workspace = new Workspace(pool);
            return VisionGoldenTests.Encode(model, workspace, tile);
        })];
        Assert.That(results[1], Is.EqualTo(results[0]));
        Assert.That(results[2], Is.EqualTo(results[0]));
    }

    [Test]
    public unsafe void CancellationTakesEffectWithinABlock()
    {
        var golden = VlmGolden.Open("qwen25vl");
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file);
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var cancellation = new CancellationTokenSource();
        ImageTile tile = model.Prepare(golden.Images[0]).Tiles.First();
        var progress = new Recorder(cancellation.Cancel);
        float[] values = new float[model.Tokens(tile).Count * model.EmbeddingLength];
        fixed (float* data = values)
        {
            var matrix = new Matrix(data, model.Tokens(tile).Count, model.EmbeddingLength);
            Assert.That(() => model.Encode(workspace, tile, matrix, progress, cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
            Assert.That(progress.Seen, Is.EqualTo(new[] { new VisionProgress(1, 4) }));
        }

        long scratch = workspace.Capacity;
        VisionGoldenTests.Encode(model, workspace, tile);
        Assert.That(workspace.Capacity, Is.EqualTo(scratch), "scratch of the cancelled run was given back");
    }

    [Test]
    public unsafe void WhatIsDisposedWhileAPictureIsEncodedLivesUntilItIsDone()
    {
        var golden = VlmGolden.Open("qwen25vl");
        var file = GgufFile.Open(golden.Mmproj);
        var model = VisionModel.Load(file);
        using var pool = new WorkerPool(2);
        var workspace = new Workspace(pool);
        ImageTile tile = model.Prepare(golden.Images[0]).Tiles.First();
        float[] expected = VisionGoldenTests.Encode(model, workspace, tile);
        var disposing = new Recorder(() =>
        {
            model.Dispose();
            workspace.Dispose();
            file.Dispose();
        });
        float[] values = new float[expected.Length];
        bool watched = NativeHeap.WatchesFreed;
        NativeHeap.WatchesFreed = true;
        fixed (float* data = values)
        {
            var matrix = new Matrix(data, model.Tokens(tile).Count, model.EmbeddingLength);
            model.Encode(workspace, tile, matrix, disposing);
            Assert.That(values, Is.EqualTo(expected));
            Assert.That(disposing.Seen, Has.Count.EqualTo(4));
            Assert.That(() => model.Encode(workspace, tile, matrix), Throws.TypeOf<ObjectDisposedException>());
            using var fresh = new Workspace(pool);
            Assert.That(() => model.Encode(fresh, tile, matrix), Throws.TypeOf<ObjectDisposedException>());
        }

        NativeHeap.CheckFreed();
        NativeHeap.WatchesFreed = watched;
    }

    [Test]
    public unsafe void ProgressCountsEveryBlock()
    {
        var golden = VlmGolden.Open("minicpmv46");
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file);
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        ImageTile tile = model.Prepare(golden.Images[0]).Tiles.First();
        var progress = new Recorder(() => { });
        float[] values = new float[model.Tokens(tile).Count * model.EmbeddingLength];
        fixed (float* data = values) model.Encode(workspace, tile, new Matrix(data, model.Tokens(tile).Count, model.EmbeddingLength), progress);
        Assert.That(progress.Seen, Is.EqualTo(new[] { new VisionProgress(1, 3), new VisionProgress(2, 3), new VisionProgress(3, 3) }));
    }

    [TestCase(1, 6)]
    [TestCase(100, 120)]
    public void TokenLimitsAreKept(int min, int max)
    {
        var golden = VlmGolden.Open("qwen2vl");
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file, new VisionOptions { MinImageTokens = min, MaxImageTokens = max });
        Assert.That(model.Prepare(golden.Images[0]).TokenCount, Is.InRange(min, max));
    }

    [TestCase(0, 5)]
    [TestCase(9, 5)]
    public void ImpossibleTokenLimitsAreRefused(int min, int max)
    {
        using var file = GgufFile.Open(VlmGolden.Open("qwen2vl").Mmproj);
        Assert.Throws<ArgumentException>(() => VisionModel.Load(file, new VisionOptions { MinImageTokens = min, MaxImageTokens = max }));
    }

    [TestCase("llava_clip", 3)]
    [TestCase("llava_clip", 1)]
    public void BlocksCanBeChosen(string name, int blocks)
    {
        var golden = VlmGolden.Open(name);
        using var file = GgufFile.Open(golden.Mmproj);
        using VisionModel all = VisionModel.Load(file), chosen = VisionModel.Load(file, new VisionOptions { BlockCount = blocks });
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        ImageTile tile = all.Prepare(golden.Images[0]).Tiles.First();
        Assert.That(VisionGoldenTests.Encode(chosen, workspace, tile).SequenceEqual(VisionGoldenTests.Encode(all, workspace, tile)), Is.EqualTo(blocks == 3));
        Assert.Throws<ArgumentException>(() => VisionModel.Load(file, new VisionOptions { BlockCount = 4 }));
    }

    private sealed class Recorder(Action then) : IProgress<VisionProgress>
    {
        public List<VisionProgress> Seen { get; } = [];

        public void Report(VisionProgress value)
        {
            Seen.Add(value);
            then();
        }
    }
}
