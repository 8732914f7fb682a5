using TinyMllm.Engine;

namespace TinyMllm.Tests.Engine;

public sealed unsafe class KvCacheStreamTests
{
    private static readonly KvLayerShape[] Shapes = [new(2, 40, 24), new(0, 0, 0, StateSize: 5), new(1, 64, 64, StateSize: 3)];

    [Test]
    public void ALoadedCacheIsTheSavedOne([Values] KvType type, [Values(0, 1, 16, 37)] int tokens)
    {
        using KvCache cache = Filled(type, tokens, capacity: 40), copy = new(Shapes, 64, type);
        byte[] saved = Save(cache);
        copy.Load(new MemoryStream(saved));
        Assert.That(copy.Length, Is.EqualTo(tokens));
        Assert.That(Save(copy), Is.EqualTo(saved));
    }

    /// <summary>What was said before and taken back does not leave with the rest.</summary>
    [Test]
    public void ForgottenTokensAreNotSaved([Values] KvType type)
    {
        KvLayerShape[] shapes = [Shapes[0]];
        using var workspace = new Workspace(new WorkerPool(1));
        using KvCache used = new(shapes, 40, type), fresh = new(shapes, 40, type);
        Append(workspace, used, 5, seed: 1);
        Append(workspace, used, 20, seed: 2);
        used.Truncate(5);
        Append(workspace, fresh, 5, seed: 1);
        Assert.That(Save(used), Is.EqualTo(Save(fresh)));
    }

    [Test]
    public void WhatDoesNotFitIsRefused()
    {
        using KvCache cache = Filled(KvType.F16, 20, capacity: 40), small = new(Shapes, 10), other = new(Shapes, 40, KvType.F32), narrow = new(Shapes.AsSpan(1), 40);
        byte[] saved = Save(cache);
        foreach (KvCache target in new[] { small, other, narrow })
            Assert.That(() => target.Load(new MemoryStream(saved)), Throws.ArgumentException);
        Assert.That(() => cache.Load(new MemoryStream(saved[..^1])), Throws.TypeOf<EndOfStreamException>());
        Assert.That(cache.Length, Is.Zero);
    }

    private static KvCache Filled(KvType type, int tokens, int capacity)
    {
        using var workspace = new Workspace(new WorkerPool(1));
        var cache = new KvCache(Shapes, capacity, type);
        if (tokens > 0) Append(workspace, cache, tokens, seed: 3);
        cache[1].State.Fill(0.5f);
        return cache;
    }

    private static void Append(Workspace workspace, KvCache cache, int tokens, int seed)
    {
        var random = new Random(seed);
        using var frame = workspace.Frame();
        for (int i = 0; i < (cache.IsRecurrent ? Shapes.Length : 1); i++)
        {
            KvLayerShape shape = Shapes[i];
            if (shape.Heads == 0) continue;
            Matrix k = Random(workspace, tokens, shape.Heads * shape.HeadSize, random), v = Random(workspace, tokens, shape.Heads * shape.ValueSize, random);
            cache[i].Append(workspace, k, v);
        }

        cache.Advance(tokens);
    }

    private static Matrix Random(Workspace workspace, int rows, int columns, Random random)
    {
        Matrix matrix = workspace.RentDense(rows, columns);
        for (int row = 0; row < rows; row++)
            foreach (ref float value in new Span<float>(matrix.Row(row), columns)) value = random.NextSingle() - 0.5f;
        return matrix;
    }

    private static byte[] Save(KvCache cache)
    {
        using var stream = new MemoryStream();
        cache.Save(stream);
        return stream.ToArray();
    }
}
