namespace TinyMllm.Tests.Engine;

[TestFixture]
public unsafe class WeightMemoryTests
{
    [Test]
    public void MatricesLieOnCacheLinesAndNeverOverlap()
    {
        long[] lengths = [1, 64, 100, 4096, 70_000, 3 << 20, 17 << 20, 15 << 20, 15 << 20, 15 << 20, 15 << 20, 33, 70 << 20];
        var taken = lengths.Select(length => WeightMemory.Take(length)).ToArray();
        try
        {
            for (int i = 0; i < taken.Length; i++) Ends(taken[i]).ForEach(end => *(byte*)end = (byte)i);
            Assert.Multiple(() =>
            {
                for (int i = 0; i < taken.Length; i++)
                {
                    Assert.That(taken[i].Length, Is.EqualTo(lengths[i]));
                    Assert.That((long)taken[i].Pointer % 64, Is.Zero);
                    Assert.That(Ends(taken[i]).Select(end => *(byte*)end), Is.All.EqualTo((byte)i), $"matrix {i}");
                }
            });
        }
        finally
        {
            foreach (var matrix in taken) matrix.Dispose();
        }
    }

    [Test]
    public void MatricesOutliveTheirNeighbours()
    {
        var kept = WeightMemory.Take(1000);
        new Span<byte>(kept.Pointer, 1000).Fill(7);
        for (int round = 0; round < 100; round++)
        {
            var neighbour = WeightMemory.Take(1 << 20);
            new Span<byte>(neighbour.Pointer, 1 << 20).Fill(9);
            neighbour.Dispose();
            neighbour.Dispose();
        }

        Assert.That(new Span<byte>(kept.Pointer, 1000).ToArray(), Is.All.EqualTo(7));
        kept.Dispose();
        Assert.That(() => (nint)kept.Pointer, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void ManyThreadsMayTakeAtOnce()
    {
        Parallel.For(0, 64, i =>
        {
            using var matrix = WeightMemory.Take(100_000 + i);
            var bytes = new Span<byte>(matrix.Pointer, 100_000 + i);
            bytes.Fill((byte)i);
            Thread.Yield();
            Assert.That(bytes.IndexOfAnyExcept((byte)i), Is.EqualTo(-1));
        });
    }

    /// <summary>A narrow address space has no room for a block of 64 MiB, which is no reason to refuse a small matrix.</summary>
    [Test]
    public void ARefusedBlockBecomesOneOfTheMatrixsOwnSize()
    {
        var asked = new List<long>();
        var blocks = new WeightBlocks(bytes =>
        {
            asked.Add(bytes);
            return bytes < WeightBlocks.BlockBytes ? new NativeBuffer<byte>(bytes) : throw new OutOfMemoryException();
        });
        using (WeightMemory first = blocks.Take(1000), second = blocks.Take(2000))
        {
            Assert.That(asked.Where(bytes => bytes < WeightBlocks.BlockBytes), Is.EqualTo(new[] { 1024L, 2048L }));
            new Span<byte>(first.Pointer, 1000).Fill(1);
            new Span<byte>(second.Pointer, 2000).Fill(2);
            Assert.That(new Span<byte>(first.Pointer, 1000).IndexOfAnyExcept((byte)1), Is.EqualTo(-1));
        }

        Assert.That(() => new WeightBlocks(_ => throw new OutOfMemoryException()).Take(1000), Throws.InstanceOf<OutOfMemoryException>());
    }

    private static List<nint> Ends(WeightMemory matrix) => [(nint)matrix.Pointer, (nint)(matrix.Pointer + matrix.Length - 1)];
}
