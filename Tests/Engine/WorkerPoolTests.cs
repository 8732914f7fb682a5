
namespace TinyMllm.Tests.Engine;

[TestFixture]
public unsafe class WorkerPoolTests
{
    [Test]
    public void RunsEveryIndexOnce([Values(1, 2, 3, 8)] int threads, [Values(0, 1, 2, 7, 1000)] int count)
    {
        using var pool = new WorkerPool(threads);
        for (int round = 0; round < 200; round++)
        {
            var body = new CountBody { Counts = new int[count] };
            pool.For(count, ref body);
            Assert.That(body.Counts, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void WakesSleepingWorkers()
    {
        using var pool = new WorkerPool(3);
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(20);
            var body = new CountBody { Counts = new int[50] };
            pool.For(50, ref body);
            Assert.That(body.Counts, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void SharesAmongCallers()
    {
        using var pool = new WorkerPool(3);
        var totals = new int[4];
        Parallel.For(0, totals.Length, caller =>
        {
            for (int round = 0; round < 300; round++)
            {
                var body = new CountBody { Counts = new int[20] };
                pool.For(20, ref body);
                totals[caller] += body.Counts.Sum();
            }
        });
        Assert.That(totals, Is.All.EqualTo(300 * 20));
    }

    [Test]
    public void LoopsInsideLoopsRunOnTheirThread()
    {
        using var pool = new WorkerPool(2);
        var body = new NestedBody { Pool = pool, Counts = new int[6 * 5] };
        pool.For(6, ref body);
        Assert.That(body.Counts, Is.All.EqualTo(1));
    }

    [Test]
    public void FailuresReachTheCallerAndThePoolGoesOn()
    {
        using var pool = new WorkerPool(2);
        for (int round = 0; round < 20; round++)
        {
            var failing = new FailingBody();
            Assert.That(() => pool.For(10, ref failing), Throws.Exception.With.Message.Contains("index 7"));
            var body = new CountBody { Counts = new int[10] };
            pool.For(10, ref body);
            Assert.That(body.Counts, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void AllocatesNothingPerLoop()
    {
        using var pool = new WorkerPool(2);
        var body = new CountBody { Counts = new int[10] };
        for (int i = 0; i < 100; i++) pool.For(10, ref body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) pool.For(10, ref body);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void RefusesWorkAfterDispose()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        var body = new CountBody { Counts = new int[2] };
        Assert.That(() => pool.For(2, ref body), Throws.TypeOf<ObjectDisposedException>());
    }

    private struct CountBody : IParallelBody
    {
        public int[] Counts;

        public readonly void Run(int index) => Interlocked.Increment(ref Counts[index]);
    }

    private struct NestedBody : IParallelBody
    {
        public WorkerPool Pool;
        public int[] Counts;

        public readonly void Run(int index)
        {
            int[] counts = new int[5];
            var inner = new CountBody { Counts = counts };
            Pool.For(5, ref inner);
            for (int i = 0; i < 5; i++) Interlocked.Add(ref Counts[(index * 5) + i], counts[i]);
        }
    }

    private struct FailingBody : IParallelBody
    {
        public readonly void Run(int index)
        {
            if (index == 7) throw new ArgumentException("index 7");
        }
    }
}
