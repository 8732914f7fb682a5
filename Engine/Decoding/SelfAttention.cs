using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine.Decoding;

/// <summary>Mistral 3: a query at position p is multiplied by 1 + τ·ln(⌊p / original context⌋ + 1).</summary>
internal sealed record QueryTemperature(float Scale, int OriginalContext)
{
    /// <summary>The factor at position <paramref name="position"/>.</summary>
    public float At(int position) => 1 + (Scale * MathF.Log((position / OriginalContext) + 1));
}

/// <summary>Causal grouped-query attention (arXiv:2305.13245) over the layer's cache.</summary>
internal sealed class SelfAttention : ITokenMixer
{
    /// <summary>Queries (gates after them where there are any), keys and values side by side.</summary>
    public required Linear QueryKeyValue { get; init; }

    /// <summary>Heads to stream.</summary>
    public required Linear Output { get; init; }

    /// <summary>Heads and scale.</summary>
    public required AttentionShape Shape { get; init; }

    /// <summary>Positions; null = none.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>Number of the layer's window among the model's windows.</summary>
    public int WindowSlot { get; init; }

    /// <summary>Normalisation of the queries; null = none.</summary>
    public INorm? QueryNorm { get; init; }

    /// <summary>Normalisation of the keys; null = none.</summary>
    public INorm? KeyNorm { get; init; }

    /// <summary>Whether the normalisation covers all heads together (OLMoE) instead of each by itself.</summary>
    public bool NormalizesAllHeads { get; init; }

    /// <summary>Whether the normalisation comes after the rotation (HunyuanOCR) instead of before.</summary>
    public bool NormalizesAfterRotation { get; init; }

    /// <summary>Whether each head's result is multiplied by σ(gate) (Qwen3.5).</summary>
    public bool HasGate { get; init; }

    /// <summary>Growth of the queries with the position; null = none.</summary>
    public QueryTemperature? Temperature { get; init; }

    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(Shape.KvHeads, Shape.HeadSize, Shape.ValueSize);

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, QueryKeyValue.Outputs);
            QueryKeyValue.Forward(workspace, x, all);
            int queries = Shape.Heads * Shape.HeadSize, keys = Shape.KvHeads * Shape.HeadSize, values = Shape.KvHeads * Shape.ValueSize;
            int gates = HasGate ? queries : 0;
            var q = all.SliceColumns(0, queries);
            var k = all.SliceColumns(queries + gates, keys);
            var v = all.SliceColumns(queries + gates + keys, values);

            if (!NormalizesAfterRotation) Normalize(workspace, q, k);
            if (Rotary is { } rotary)
            {
                var table = pass.RotaryTable(rotary.Slot);
                rotary.Apply(workspace, table, q, Shape.Heads, Shape.HeadSize);
                rotary.Apply(workspace, table, k, Shape.KvHeads, Shape.HeadSize);
            }

            if (NormalizesAfterRotation) Normalize(workspace, q, k);
            if (Temperature is { } temperature) Scale(temperature, pass, q);

            cache.Append(workspace, k, v);
            var heads = workspace.Rent(x.Rows, Shape.Heads * Shape.ValueSize);
            Attention.Forward(workspace, Shape, q, cache, pass.Ranges(WindowSlot), heads);
            if (HasGate)
                Activations.ApplyGated(workspace, Activation.Sigmoid, all.SliceColumns(queries, gates), heads, heads);
            Output.Forward(workspace, heads, y, add);
        }
    }

    private static void Scale(QueryTemperature temperature, in DecoderPass pass, Matrix q)
    {
        for (int i = 0; i < q.Rows; i++)
        {
            var row = q.Slice(i, 1);
            Activations.Scale(pass.Workspace, row, temperature.At(pass.Positions[i]), row);
        }
    }

    private void Normalize(Workspace workspace, Matrix q, Matrix k)
    {
        Normalize(workspace, QueryNorm, q);
        Normalize(workspace, KeyNorm, k);
    }

    private void Normalize(Workspace workspace, INorm? norm, Matrix x)
    {
        if (norm is null) return;
        if (NormalizesAllHeads) norm.Forward(workspace, x, x);
        else norm.ForwardHeads(workspace, x, x, Shape.HeadSize);
    }
}
