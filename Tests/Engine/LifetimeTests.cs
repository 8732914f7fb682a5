using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Tests.Engine;

/// <summary>Memory outside the managed heap: nobody reaches it once it is freed, and nobody frees it while it is in use.</summary>
[TestFixture]
public unsafe class LifetimeTests
{
    private bool _watched;

    [SetUp]
    public void Watch() => (_watched, NativeHeap.WatchesFreed) = (NativeHeap.WatchesFreed, true);

    [TearDown]
    public void StopWatching()
    {
        NativeHeap.WatchesFreed = _watched;
        NativeHeap.CheckFreed();
    }

    [Test]
    public void ADisposedBufferHasNoMemory()
    {
        var buffer = new NativeBuffer<float>(100, clear: true);
        buffer.Dispose();
        buffer.Dispose();
        Assert.That(() => (nint)buffer.Pointer, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => buffer.Span.Length, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void ManyThreadsMayDisposeABufferAtOnce()
    {
        for (int round = 0; round < 200; round++)
        {
            var buffer = new NativeBuffer<long>(1000);
            Parallel.For(0, 4, _ => buffer.Dispose());
        }
    }

    [Test]
    public void FreedMemoryReadsAsNaNAndAWriteToItIsFound()
    {
        var buffer = new NativeBuffer<float>(100, clear: true);
        float* stale = buffer.Pointer;
        buffer.Dispose();
        Assert.That(new Span<float>(stale, 100).ToArray(), Is.All.NaN);
        stale[99] = 1;
        Assert.That(NativeHeap.CheckFreed, Throws.InvalidOperationException.With.Message.Contains("after it had been freed"));
    }

    [Test]
    public void AWriteToAFreedMatrixOfASharedBlockIsSeenAsNaN()
    {
        using var neighbour = WeightMemory.Take(1000);
        var matrix = WeightMemory.Take(1000);
        byte* stale = matrix.Pointer;
        new Span<byte>(stale, 1000).Clear();
        new Span<byte>(neighbour.Pointer, 1000).Fill(7);
        matrix.Dispose();
        Assert.That(new Span<byte>(stale, 1000).ToArray(), Is.All.EqualTo(NativeHeap.Poison));
        Assert.That(new Span<byte>(neighbour.Pointer, 1000).ToArray(), Is.All.EqualTo(7), "the neighbour lives on");
    }

    [Test]
    public void ADisposedWorkspaceRentsNothing()
    {
        using var pool = new WorkerPool(1);
        var workspace = new Workspace(pool);
        using (workspace.Frame()) workspace.Rent(3, 3);
        workspace.Dispose();
        workspace.Dispose();
        Assert.That(workspace.Capacity, Is.Zero);
        Assert.That(() => workspace.Frame().Dispose(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => workspace.Rent(1, 1).Rows, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void AWorkspaceThatIsDisposedInAFrameFreesAtItsEnd()
    {
        using var pool = new WorkerPool(1);
        var workspace = new Workspace(pool);
        using (workspace.Frame())
        {
            Matrix rows = workspace.Rent(4, 4);
            workspace.Dispose();
            rows.RowSpan(3).Fill(1);
            using (workspace.Frame()) workspace.Rent(1000, 1000).RowSpan(999).Fill(2);
            Assert.That(rows.RowSpan(3).ToArray(), Is.All.EqualTo(1f));
        }

        Assert.That(workspace.Capacity, Is.Zero);
        Assert.That(() => workspace.Frame().Dispose(), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void ADisposedCacheCannotBeUsed([Values] KvType type)
    {
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        Matrix rows = workspace.Rent(2, 32);
        rows.RowSpan(0).Clear();
        rows.RowSpan(1).Clear();
        var cache = new KvCache([new KvLayerShape(1, 32, 32, 4)], 8, type);
        using var other = new KvCache([new KvLayerShape(1, 32, 32, 4)], 8, type);
        cache[0].Append(workspace, rows, rows);
        cache.Advance(2);
        KvSnapshot snapshot = cache.Snapshot();
        cache.Dispose();
        cache.Dispose();
        Assert.Multiple(() =>
        {
            Assert.That(() => cache.Advance(1), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache.Truncate(0), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache.Snapshot(), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache.Restore(snapshot), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache.CopyTo(other), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => other.CopyTo(cache), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache[0].State.Length, Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => cache[0].Append(workspace, rows, rows), Throws.TypeOf<ObjectDisposedException>());
        });
    }

    [Test]
    public void ACacheInUseLivesUntilTheUseIsOver()
    {
        var cache = new KvCache([new KvLayerShape(1, 32, 32, 4)], 8);
        using (cache.Use())
        {
            using (cache.Use()) cache.Dispose();
            cache[0].State.Fill(3);
            Assert.That(() => cache.Use().Dispose(), Throws.TypeOf<ObjectDisposedException>(), "no new use");
        }

        Assert.That(() => cache[0].State.Length, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void DisposedLayersDoNotCompute([Values(1, 5)] int rows)
    {
        using var tensors = new TestTensors();
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        Matrix x = tensors.Rows(rows, 64), y = workspace.Rent(rows, 64);
        var linear = Linear.Create(WeightOptions.Default, tensors.Random(64, 64), tensors.Random(64));
        var rms = new RmsNorm(tensors.Random(64), 1e-5f);
        var norm = new LayerNorm(tensors.Random(64), tensors.Random(64), 1e-5f);
        linear.Forward(workspace, x, y);
        foreach (IDisposable layer in new IDisposable[] { linear, rms, norm, linear, rms, norm }) layer.Dispose();
        Assert.That(() => linear.Forward(workspace, x, y), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => linear.Forward(workspace, x, y, add: true), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => rms.Forward(workspace, x, y), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => norm.ForwardHeads(workspace, x, y, 64), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void IdleWorkersSurviveTheLayerThatTheyReadAhead()
    {
        using var tensors = new TestTensors();
        using var pool = new WorkerPool(3);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        Matrix x = tensors.Rows(1, 256), y = workspace.Rent(1, 1024);
        for (int round = 0; round < 10; round++)
        {
            Linear[] layers = [.. Enumerable.Range(0, 3).Select(_ => Linear.Create(WeightOptions.Default, tensors.Random(256, 1024)))];
            for (int i = 0; i < 6; i++) layers[i % 3].Forward(workspace, x, y);
            foreach (Linear layer in layers) layer.Dispose();
        }
    }

    [Test]
    public void ALifetimeFreesOnceWhoeverIsLast()
    {
        for (int round = 0; round < 500; round++)
        {
            int freed = 0, used = 0;
            var lifetime = new Lifetime(this, () => Interlocked.Increment(ref freed));
            Parallel.For(0, 8, i =>
            {
                if (i % 4 == 0) lifetime.Dispose();
                try
                {
                    using (lifetime.Use())
                    {
                        Interlocked.Increment(ref used);
                        Assert.That(Volatile.Read(ref freed), Is.Zero, "in use");
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            Assert.That(freed, Is.EqualTo(1), $"round {round}, {used} uses");
        }
    }

    [Test]
    public void ACacheThatDoesNotFitGivesBackWhatItTook()
    {
        // The second layer is beyond any address space.
        KvLayerShape small = new(1, 64, 64, 4), huge = new(1 << 30, 1 << 20, 1 << 20);
        long before = NativeHeap.BytesInUse;
        Assert.That(() => new KvCache([small, huge], 1 << 10), Throws.TypeOf<OutOfMemoryException>());
        Assert.That(NativeHeap.BytesInUse, Is.EqualTo(before));
    }

    [Test]
    public void AMatrixThatCannotBeReadGivesBackWhatWasPacked()
    {
        using var tensors = new TestTensors();
        StoredTensor good = tensors.Random(256, 16), bias = tensors.Random(16);
        long before = NativeHeap.BytesInUse;
        Assert.That(() => Linear.Fuse(WeightOptions.Default, (good, bias), (new ClosedTensor(), null)),
            Throws.TypeOf<ObjectDisposedException>());
        Assert.That(NativeHeap.BytesInUse, Is.EqualTo(before));
    }

    /// <summary>A tensor whose file was closed.</summary>
    private sealed class ClosedTensor() : StoredTensor("closed", TensorType.F32, [256, 16], null)
    {
        public override byte* Data => throw new ObjectDisposedException("file");
    }
}
