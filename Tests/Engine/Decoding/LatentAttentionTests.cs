using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Tests.Engine.Decoding;

public unsafe class LatentAttentionTests
{
    private const int Width = 32, Heads = 4, Plain = 8, Rotated = 4, KeySize = Plain + Rotated, ValueSize = 10, Rank = 16, Tokens = 7;

    /// <summary>The two forms in which files store the expansion are the same attention.</summary>
    [Test]
    public void AbsorbedAndExpandedAgree()
    {
        using var tensors = new TestTensors();
        StoredTensor query = tensors.Random(Width, Heads * KeySize), latent = tensors.Random(Width, Rank + Rotated);
        StoredTensor norm = tensors.Random(Rank), output = tensors.Random(Heads * ValueSize, Width);
        StoredTensor expand = tensors.Random(Rank, Heads * (Plain + ValueSize));
        StoredTensor keys = tensors.Random(Plain, Rank, Heads), values = tensors.Random(Rank, ValueSize, Heads);
        float[] all = TestTensors.Values(expand);
        var k = (float*)keys.Data;
        var v = (float*)values.Data;
        for (int h = 0; h < Heads; h++)
        {
            for (int c = 0; c < Rank; c++)
            {
                for (int i = 0; i < Plain; i++) k[(((h * Rank) + c) * Plain) + i] = all[(((h * (Plain + ValueSize)) + i) * Rank) + c];
                for (int i = 0; i < ValueSize; i++) v[(((h * ValueSize) + i) * Rank) + c] = all[(((h * (Plain + ValueSize)) + Plain + i) * Rank) + c];
            }
        }

        var options = new WeightOptions { Activations = ActivationPrecision.Float32 };
        LatentAttention Make(bool absorbed) => new()
        {
            Query = Linear.Create(options, query),
            Latent = Linear.Create(options, latent),
            LatentNorm = new RmsNorm(norm, 1e-5f),
            Expand = absorbed ? null : Linear.Create(options, expand),
            AbsorbKey = absorbed ? [.. Enumerable.Range(0, Heads).Select(h => Linear.Create(options, keys.Slab(h)))] : [],
            ExpandValue = absorbed ? [.. Enumerable.Range(0, Heads).Select(h => Linear.Create(options, values.Slab(h)))] : [],
            Output = Linear.Create(options, output),
            Rotary = RotaryEmbedding.Create(new RotaryOptions { Pairing = RotaryPairing.Adjacent, Dimensions = Rotated }),
            Heads = Heads,
            KeySize = KeySize,
            ValueSize = ValueSize,
            Rank = Rank,
            Scale = 1 / MathF.Sqrt(KeySize),
        };

        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        var x = tensors.Rows(Tokens, Width);
        Matrix[] results = [workspace.Rent(Tokens, Width), workspace.Rent(Tokens, Width)];
        for (int form = 0; form < 2; form++)
        {
            var mixer = Make(absorbed: form == 1);
            using var cache = new KvCache([mixer.CacheShape], 16, KvType.F32);
            for (int first = 0; first < Tokens; first += 4)
            {
                int count = Math.Min(4, Tokens - first);
                int[] positions = [.. Enumerable.Range(first, count)];
                var ranges = workspace.Rent<KeyRange>(count);
                KeyRange.Causal(new Span<KeyRange>(ranges, count), first);
                var tables = workspace.Rent<Matrix>(1);
                tables[0] = RotaryEmbedding.Create(new RotaryOptions { Pairing = RotaryPairing.Adjacent, Dimensions = Rotated })
                    .Prepare(workspace, positions, count);
                mixer.Forward(new DecoderPass(workspace, count, null, tables, ranges), cache[0], x.Slice(first, count), results[form].Slice(first, count), add: false);
                cache.Advance(count);
            }
        }

        for (int i = 0; i < Tokens; i++) Assert.That(results[1].RowSpan(i).ToArray(), Is.EqualTo(results[0].RowSpan(i).ToArray()).Within(1e-5), $"token {i}");
    }
}
