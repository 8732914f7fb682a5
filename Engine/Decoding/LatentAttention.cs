namespace TinyMllm.Engine.Decoding;

/// <summary>What a <see cref="LatentAttention"/> is made of.</summary>
internal sealed record LatentAttentionParts
{
    /// <summary>First half of a low-rank query, with its normalisation; null = full queries.</summary>
    public (Linear Down, INorm Norm)? QueryDown { get; init; }

    /// <summary>To all heads' queries.</summary>
    public required Linear Query { get; init; }

    /// <summary>n → c + r: the latent vector and the rotated key that all heads share.</summary>
    public required Linear Latent { get; init; }

    /// <summary>Normalisation of the latent vector.</summary>
    public required INorm LatentNorm { get; init; }

    /// <summary>Latent to all heads' [key; value] (files of the older form); null where the two below are used.</summary>
    public Linear? Expand { get; init; }

    /// <summary>Per head: query to latent, k_bᵀ (files of the newer form, absorbed).</summary>
    public Linear[] AbsorbKey { get; init; } = [];

    /// <summary>Per head: latent to value.</summary>
    public Linear[] ExpandValue { get; init; } = [];

    /// <summary>Heads to stream.</summary>
    public required Linear Output { get; init; }

    /// <summary>Rotation of the last features of queries and of the shared key.</summary>
    public required RotaryEmbedding Rotary { get; init; }

    /// <summary>Number of <see cref="Rotary"/> among the model's rotary embeddings.</summary>
    public required int RotarySlot { get; init; }

    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Features of a head's key, rotated ones included.</summary>
    public required int KeySize { get; init; }

    /// <summary>Features of a head's value.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Features of the latent vector, c.</summary>
    public required int Rank { get; init; }

    /// <summary>Factor of the scores.</summary>
    public required float Scale { get; init; }
}

/// <summary>
/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434; docs/models/text.md#latent-attention): keys and values of all heads come
/// from one short vector per token.
/// </summary>
/// <remarks>
/// Files that store the expansion as two tensors are run absorbed: q·(W k) = (Wᵀq)·k, so that the latent vector itself is the one key and
/// value that all heads share and all that is cached. Files with one tensor are run expanded, as plain multi-head attention.
/// </remarks>
internal sealed class LatentAttention(LatentAttentionParts parts) : ITokenMixer
{
    private readonly int _rotated = parts.Rotary.Dimensions;
    private readonly int _plain = parts.KeySize - parts.Rotary.Dimensions;

    /// <inheritdoc/>
    public KvLayerShape CacheShape => parts.Expand is null
        ? new(1, parts.Rank + _rotated, parts.Rank)
        : new(parts.Heads, parts.KeySize, parts.ValueSize);

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        using (workspace.Frame())
        {
            var q = Queries(workspace, x);
            var latent = workspace.Rent(x.Rows, parts.Rank + _rotated);
            parts.Latent.Forward(workspace, x, latent);
            var compressed = latent.SliceColumns(0, parts.Rank);
            var sharedKey = latent.SliceColumns(parts.Rank, _rotated);
            parts.LatentNorm.Forward(workspace, compressed, compressed);

            var table = pass.RotaryTable(parts.RotarySlot);
            parts.Rotary.Apply(workspace, table, q, parts.Heads, parts.KeySize, offset: _plain);
            parts.Rotary.Apply(workspace, table, sharedKey, 1, _rotated);

            var heads = workspace.Rent(x.Rows, parts.Heads * parts.ValueSize);
            if (parts.Expand is { } expand) Expanded(pass, cache, expand, q, compressed, sharedKey, heads);
            else Absorbed(pass, cache, q, latent, heads);
            parts.Output.Forward(workspace, heads, y, add);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        parts.QueryDown?.Down.Dispose();
        parts.QueryDown?.Norm.Dispose();
        parts.Query.Dispose();
        parts.Latent.Dispose();
        parts.LatentNorm.Dispose();
        parts.Expand?.Dispose();
        foreach (var head in parts.AbsorbKey) head.Dispose();
        foreach (var head in parts.ExpandValue) head.Dispose();
        parts.Output.Dispose();
    }

    private Matrix Queries(Workspace workspace, Matrix x)
    {
        var q = workspace.Rent(x.Rows, parts.Heads * parts.KeySize);
        if (parts.QueryDown is not { } down)
        {
            parts.Query.Forward(workspace, x, q);
            return q;
        }

        using (workspace.Frame())
        {
            var low = workspace.Rent(x.Rows, down.Down.Outputs);
            down.Down.Forward(workspace, x, low);
            down.Norm.Forward(workspace, low, low);
            parts.Query.Forward(workspace, low, q);
        }

        return q;
    }

    private void Expanded(in DecoderPass pass, KvLayer cache, Linear expand, Matrix q, Matrix compressed, Matrix sharedKey, Matrix heads)
    {
        var workspace = pass.Workspace;
        int stored = _plain + parts.ValueSize;
        using (workspace.Frame())
        {
            var expanded = workspace.Rent(q.Rows, parts.Heads * stored);
            expand.Forward(workspace, compressed, expanded);
            var k = workspace.Rent(q.Rows, parts.Heads * parts.KeySize);
            var v = workspace.Rent(q.Rows, parts.Heads * parts.ValueSize);
            for (int h = 0; h < parts.Heads; h++)
            {
                expanded.SliceColumns(h * stored, _plain).CopyTo(k.SliceColumns(h * parts.KeySize, _plain));
                sharedKey.CopyTo(k.SliceColumns((h * parts.KeySize) + _plain, _rotated));
                expanded.SliceColumns((h * stored) + _plain, parts.ValueSize).CopyTo(v.SliceColumns(h * parts.ValueSize, parts.ValueSize));
            }

            cache.Append(workspace, k, v);
            var shape = new AttentionShape(parts.Heads, parts.Heads, parts.KeySize, parts.ValueSize, parts.Scale);
            Attention.Forward(workspace, shape, q, cache, pass.Ranges(0), heads);
        }
    }

    private void Absorbed(in DecoderPass pass, KvLayer cache, Matrix q, Matrix latent, Matrix heads)
    {
        var workspace = pass.Workspace;
        int width = parts.Rank + _rotated;
        using (workspace.Frame())
        {
            var absorbed = workspace.Rent(q.Rows, parts.Heads * width);
            for (int h = 0; h < parts.Heads; h++)
            {
                var plain = q.SliceColumns(h * parts.KeySize, _plain);
                parts.AbsorbKey[h].Forward(workspace, plain, absorbed.SliceColumns(h * width, parts.Rank));
                q.SliceColumns((h * parts.KeySize) + _plain, _rotated).CopyTo(absorbed.SliceColumns((h * width) + parts.Rank, _rotated));
            }

            cache.Append(workspace, latent, latent.SliceColumns(0, parts.Rank));
            var mixed = workspace.Rent(q.Rows, parts.Heads * parts.Rank);
            var shape = new AttentionShape(parts.Heads, 1, width, parts.Rank, parts.Scale);
            Attention.Forward(workspace, shape, absorbed, cache, pass.Ranges(0), mixed);
            for (int h = 0; h < parts.Heads; h++)
            {
                parts.ExpandValue[h].Forward(
                    workspace, mixed.SliceColumns(h * parts.Rank, parts.Rank), heads.SliceColumns(h * parts.ValueSize, parts.ValueSize));
            }
        }
    }
}
