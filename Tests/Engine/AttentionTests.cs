
namespace TinyMllm.Tests.Engine;

/// <summary>Tiled attention against softmax(QKᵀ)V written down in double precision.</summary>
[TestFixture]
public class AttentionTests
{
    // Heads, key heads, head size, value size: plain, grouped, odd sizes (72, 80, 88, 96), values narrower than keys.
    private static readonly AttentionShape[] Shapes =
    [
        new(2, 2, 64, 64, 0.125f), new(9, 3, 64, 64, 0.125f), new(4, 1, 72, 72, 0.118f), new(2, 2, 80, 80, 0.11f), new(2, 1, 88, 88, 0.107f),
        new(3, 3, 96, 96, 0.1f), new(4, 2, 24, 16, 0.2f), new(2, 2, 5, 7, 0.45f), new(2, 1, 64, 64, 0.125f, SoftCap: 5),
    ];

    [Test]
    public void EncodersSeeTheirRanges([ValueSource(nameof(Shapes))] AttentionShape shape, [Values(1, 5, 70)] int queries)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        var (q, k, v) = (Random(workspace, queries, shape.Heads * shape.HeadSize, 1), Random(workspace, 150, shape.KvHeads * shape.HeadSize, 2), Random(workspace, 150, shape.KvHeads * shape.ValueSize, 3));
        var ranges = Ranges(queries, 150);
        Matrix y = workspace.Rent(queries, shape.Heads * shape.ValueSize);
        Attention.Forward(workspace, shape, q, k, v, ranges, y);
        AssertMatches(shape, q, k, v, ranges, y, 2e-5);
    }

    [Test]
    public void CachesHoldKeysAndValues([ValueSource(nameof(Shapes))] AttentionShape shape, [Values] KvType type, [Values(1, 40)] int queries)
    {
        const int keys = 330;
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var cache = new KvCache([new KvLayerShape(shape.KvHeads, shape.HeadSize, shape.ValueSize)], keys, type);
        var (q, k, v) = (Random(workspace, queries, shape.Heads * shape.HeadSize, 1), Random(workspace, keys, shape.KvHeads * shape.HeadSize, 2), Random(workspace, keys, shape.KvHeads * shape.ValueSize, 3));

        // Batches that end inside a block of 16 tokens.
        foreach (var (first, count) in new[] { (0, 7), (7, 100), (107, 1), (108, keys - 108) })
        {
            cache[0].Append(workspace, k.Slice(first, count), v.Slice(first, count));
            cache.Advance(count);
        }

        var ranges = Ranges(queries, keys);
        Matrix y = workspace.Rent(queries, shape.Heads * shape.ValueSize);
        Attention.Forward(workspace, shape, q, cache[0], ranges, y);

        // Rounding: none, 11 bits, or 8 bits of the largest value in 32.
        AssertMatches(shape, q, k, v, ranges, y, type switch { KvType.F32 => 2e-5, KvType.F16 => 2e-3, _ => 3e-2 });
    }

    [Test]
    public void ThreadCountDoesNotChangeABit([Values(1, 50)] int queries)
    {
        var shape = new AttentionShape(9, 3, 64, 64, 0.125f);
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var pool = new WorkerPool(threads);
            using var workspace = new Workspace(pool);
            var (q, k, v) = (Random(workspace, queries, 576, 1), Random(workspace, 700, 192, 2), Random(workspace, 700, 192, 3));
            Matrix y = workspace.RentDense(queries, 576);
            Attention.Forward(workspace, shape, q, k, v, Ranges(queries, 700), y);
            float[] all = [.. Enumerable.Range(0, queries).SelectMany(i => y.RowSpan(i).ToArray())];
            first ??= all;
            Assert.That(all, Is.EqualTo(first));
        }
    }

    [Test]
    public void EmptyAndOutlyingRangesAreRefused()
    {
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        var shape = AttentionShape.MultiHead(1, 16);
        Matrix q = workspace.Rent(1, 16), k = workspace.Rent(4, 16), y = workspace.Rent(1, 16);
        foreach (var range in new[] { new KeyRange(2, 2), new KeyRange(0, 5), new KeyRange(-1, 2) })
            Assert.That(() => Attention.Forward(workspace, shape, q, k, k, [range], y), Throws.ArgumentException);
    }

    private static KeyRange[] Ranges(int queries, int keys) =>
        [.. Enumerable.Range(0, queries).Select(i => i % 3 == 2 ? new KeyRange(i, i + 1) : new KeyRange(i % 2 * 10, Math.Min(keys, 20 + (i * 7) + (i % 3 * keys))))];

    private static unsafe void AssertMatches(AttentionShape shape, Matrix q, Matrix k, Matrix v, KeyRange[] ranges, Matrix y, double tolerance)
    {
        for (int i = 0; i < q.Rows; i++)
        {
            for (int h = 0; h < shape.Heads; h++)
            {
                int kv = h / (shape.Heads / shape.KvHeads);
                double[] p = [.. Enumerable.Range(ranges[i].Start, ranges[i].End - ranges[i].Start).Select(j =>
                {
                    double score = 0;
                    for (int d = 0; d < shape.HeadSize; d++) score += (double)q.Row(i)[(h * shape.HeadSize) + d] * k.Row(j)[(kv * shape.HeadSize) + d];
                    score *= shape.Scale;
                    return Math.Exp(shape.SoftCap > 0 ? shape.SoftCap * Math.Tanh(score / shape.SoftCap) : score);
                })];
                double sum = p.Sum();
                for (int d = 0; d < shape.ValueSize; d++)
                {
                    double expected = 0;
                    for (int j = 0; j < p.Length; j++) expected += p[j] / sum * v.Row(ranges[i].Start + j)[(kv * shape.ValueSize) + d];
                    Assert.That(y.Row(i)[(h * shape.ValueSize) + d], Is.EqualTo(expected).Within(tolerance), $"query {i} head {h} value {d}");
                }
            }
        }
    }

    private static Matrix Random(Workspace workspace, int rows, int columns, int seed)
    {
        var random = new Random(seed);
        Matrix m = workspace.Rent(rows, columns);
        for (int r = 0; r < rows; r++)
            foreach (ref float value in m.RowSpan(r)) value = (float)((random.NextDouble() * 4) - 2);
        return m;
    }
}
