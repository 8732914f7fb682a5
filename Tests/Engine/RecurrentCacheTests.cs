using TinyMllm.Engine;

namespace TinyMllm.Tests.Engine;

public class RecurrentCacheTests
{
    private static readonly KvLayerShape[] Hybrid = [new(1, 8, 8), new(0, 0, 0, StateSize: 5)];

    [Test]
    public void AStateCannotForgetSingleTokensButCanReturnToASnapshot()
    {
        using var cache = new KvCache(Hybrid, 16, KvType.F32);
        cache[1].State.Fill(1);
        cache.Advance(3);
        var snapshot = cache.Snapshot();
        cache[1].State.Fill(2);
        cache.Advance(4);

        Assert.Multiple(() =>
        {
            Assert.That(cache.IsRecurrent);
            Assert.That(cache.CanTruncate(3), Is.False);
            Assert.That(() => cache.Truncate(3), Throws.InvalidOperationException);
        });
        cache.Restore(snapshot);
        Assert.That(cache.Length, Is.EqualTo(3));
        Assert.That(cache[1].State.ToArray(), Is.All.EqualTo(1f));
        cache.Truncate(0);
        Assert.That(cache[1].State.ToArray(), Is.All.Zero);
    }

    [Test]
    public void ACopyContinuesLikeTheOriginal()
    {
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        using var source = new KvCache(Hybrid, 4, KvType.F32);
        using var target = new KvCache(Hybrid, 8, KvType.F32);
        using (workspace.Frame())
        {
            var rows = workspace.Rent(2, 8);
            for (int i = 0; i < 2; i++) rows.RowSpan(i).Fill(i + 1);
            source[0].Append(workspace, rows, rows);
        }

        source.Advance(2);
        source[1].State.Fill(3);
        source.CopyTo(target);
        Assert.Multiple(() =>
        {
            Assert.That(target.Length, Is.EqualTo(2));
            Assert.That(target[1].State.ToArray(), Is.All.EqualTo(3f));
            using var other = new KvCache(Hybrid, 8);
            Assert.That(() => source.CopyTo(other), Throws.ArgumentException);
        });
    }
}
