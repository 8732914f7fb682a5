using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine.Decoding;

/// <summary>What a <see cref="SelfAttention"/> is made of.</summary>
internal sealed record SelfAttentionParts
{
    /// <summary>Queries (gates after them where there are any), keys and values side by side.</summary>
    public required Linear QueryKeyValue { get; init; }

    /// <summary>Heads to stream.</summary>
    public required Linear Output { get; init; }

    /// <summary>Heads and scale.</summary>
    public required AttentionShape Shape { get; init; }

    /// <summary>Positions; null = none.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>Number of <see cref="Rotary"/> among the model's rotary embeddings.</summary>
    public int RotarySlot { get; init; }

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
}

/// <summary>Mistral 3: a query at position p is multiplied by 1 + τ·ln(⌊p / original context⌋ + 1).</summary>
internal sealed record QueryTemperature(float Scale, int OriginalContext)
{
    /// <summary>The factor at position <paramref name="position"/>.</summary>
    public float At(int position) => 1 + (Scale * MathF.Log((position / OriginalContext) + 1));
}

/// <summary>Causal grouped-query attention (arXiv:2305.13245) over the layer's cache.</summary>
internal sealed class SelfAttention(SelfAttentionParts parts) : ITokenMixer
{
    private readonly SelfAttentionParts _parts = parts;
    private readonly int _queryColumns = parts.Shape.Heads * parts.Shape.HeadSize;
    private readonly int _keyColumns = parts.Shape.KvHeads * parts.Shape.HeadSize;
    private readonly int _valueColumns = parts.Shape.KvHeads * parts.Shape.ValueSize;

    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(_parts.Shape.KvHeads, _parts.Shape.HeadSize, _parts.Shape.ValueSize);

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, _parts.QueryKeyValue.Outputs);
            _parts.QueryKeyValue.Forward(workspace, x, all);
            int gateColumns = _parts.HasGate ? _queryColumns : 0;
            var q = all.SliceColumns(0, _queryColumns);
            var k = all.SliceColumns(_queryColumns + gateColumns, _keyColumns);
            var v = all.SliceColumns(_queryColumns + gateColumns + _keyColumns, _valueColumns);

            if (!_parts.NormalizesAfterRotation) Normalize(workspace, q, k);
            if (_parts.Rotary is { } rotary)
            {
                var table = pass.RotaryTable(_parts.RotarySlot);
                rotary.Apply(workspace, table, q, _parts.Shape.Heads, _parts.Shape.HeadSize);
                rotary.Apply(workspace, table, k, _parts.Shape.KvHeads, _parts.Shape.HeadSize);
            }

            if (_parts.NormalizesAfterRotation) Normalize(workspace, q, k);
            if (_parts.Temperature is { } temperature) Heat(temperature, pass, q);

            cache.Append(workspace, k, v);
            var heads = workspace.Rent(x.Rows, _parts.Shape.Heads * _parts.Shape.ValueSize);
            Attention.Forward(workspace, _parts.Shape, q, cache, pass.Ranges(_parts.WindowSlot), heads);
            if (_parts.HasGate)
                Activations.ApplyGated(workspace, Activation.Sigmoid, all.SliceColumns(_queryColumns, gateColumns), heads, heads);
            _parts.Output.Forward(workspace, heads, y, add);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _parts.QueryKeyValue.Dispose();
        _parts.Output.Dispose();
        _parts.QueryNorm?.Dispose();
        _parts.KeyNorm?.Dispose();
    }

    private static void Heat(QueryTemperature temperature, in DecoderPass pass, Matrix q)
    {
        for (int i = 0; i < q.Rows; i++)
        {
            var row = q.Slice(i, 1);
            Activations.Scale(pass.Workspace, row, temperature.At(pass.Positions[i]), row);
        }
    }

    private void Normalize(Workspace workspace, Matrix q, Matrix k)
    {
        Normalize(workspace, _parts.QueryNorm, q);
        Normalize(workspace, _parts.KeyNorm, k);
    }

    private void Normalize(Workspace workspace, INorm? norm, Matrix x)
    {
        if (norm is null) return;
        if (_parts.NormalizesAllHeads) norm.Forward(workspace, x, x);
        else norm.ForwardHeads(workspace, x, x, _parts.Shape.HeadSize);
    }
}
