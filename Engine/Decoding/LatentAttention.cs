namespace TinyMllm.Engine.Decoding;

/// <summary>
/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434; docs/models/text.md#latent-attention): keys and values of all heads come
/// from one short vector per token.
/// </summary>
/// <remarks>
/// Files that store the expansion as two tensors are run absorbed: q·(W k) = (Wᵀq)·k, so that the latent vector itself is the one key and
/// value that all heads share and all that is cached. Files with one tensor are run expanded, as plain multi-head attention.
/// </remarks>
internal sealed class LatentAttention : ITokenMixer
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

    /// <inheritdoc/>
    public KvLayerShape CacheShape => Expand is null
        ? new(1, Rank + Rotated, Rank)
        : new(Heads, KeySize, ValueSize);

    /// <summary>Features of a head that are turned.</summary>
    private int Rotated => Rotary.Dimensions;

    /// <summary>Features of a head that are not.</summary>
    private int Plain => KeySize - Rotary.Dimensions;

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        using (workspace.Frame())
        {
            var q = Queries(workspace, x);
            var latent = workspace.Rent(x.Rows, Rank + Rotated);
            Latent.Forward(workspace, x, latent);
            var compressed = latent.SliceColumns(0, Rank);
            var sharedKey = latent.SliceColumns(Rank, Rotated);
            LatentNorm.Forward(workspace, compressed, compressed);

            var table = pass.RotaryTable(Rotary.Slot);
            Rotary.Apply(workspace, table, q, Heads, KeySize, offset: Plain);
            Rotary.Apply(workspace, table, sharedKey, 1, Rotated);

            var heads = workspace.Rent(x.Rows, Heads * ValueSize);
            if (Expand is { } expand) Expanded(pass, cache, expand, q, compressed, sharedKey, heads);
            else Absorbed(pass, cache, q, latent, heads);
            Output.Forward(workspace, heads, y, add);
        }
    }

    private Matrix Queries(Workspace workspace, Matrix x)
    {
        var q = workspace.Rent(x.Rows, Heads * KeySize);
        if (QueryDown is not { } down)
        {
            Query.Forward(workspace, x, q);
            return q;
        }

        using (workspace.Frame())
        {
            var low = workspace.Rent(x.Rows, down.Down.Outputs);
            down.Down.Forward(workspace, x, low);
            down.Norm.Forward(workspace, low, low);
            Query.Forward(workspace, low, q);
        }

        return q;
    }

    private void Expanded(in DecoderPass pass, KvLayer cache, Linear expand, Matrix q, Matrix compressed, Matrix sharedKey, Matrix heads)
    {
        var workspace = pass.Workspace;
        int stored = Plain + ValueSize;
        using (workspace.Frame())
        {
            var expanded = workspace.Rent(q.Rows, Heads * stored);
            expand.Forward(workspace, compressed, expanded);
            var k = workspace.Rent(q.Rows, Heads * KeySize);
            var v = workspace.Rent(q.Rows, Heads * ValueSize);
            for (int h = 0; h < Heads; h++)
            {
                expanded.SliceColumns(h * stored, Plain).CopyTo(k.SliceColumns(h * KeySize, Plain));
                sharedKey.CopyTo(k.SliceColumns((h * KeySize) + Plain, Rotated));
                expanded.SliceColumns((h * stored) + Plain, ValueSize).CopyTo(v.SliceColumns(h * ValueSize, ValueSize));
            }

            cache.Append(workspace, k, v);
            var shape = new AttentionShape(Heads, Heads, KeySize, ValueSize, Scale);
            Attention.Forward(workspace, shape, q, cache, pass.Ranges(0), heads);
        }
    }

    private void Absorbed(in DecoderPass pass, KvLayer cache, Matrix q, Matrix latent, Matrix heads)
    {
        var workspace = pass.Workspace;
        int width = Rank + Rotated;
        using (workspace.Frame())
        {
            var absorbed = workspace.Rent(q.Rows, Heads * width);
            for (int h = 0; h < Heads; h++)
            {
                var plain = q.SliceColumns(h * KeySize, Plain);
                AbsorbKey[h].Forward(workspace, plain, absorbed.SliceColumns(h * width, Rank));
                q.SliceColumns((h * KeySize) + Plain, Rotated).CopyTo(absorbed.SliceColumns((h * width) + Rank, Rotated));
            }

            cache.Append(workspace, latent, latent.SliceColumns(0, Rank));
            var mixed = workspace.Rent(q.Rows, Heads * Rank);
            var shape = new AttentionShape(Heads, 1, width, Rank, Scale);
            Attention.Forward(workspace, shape, absorbed, cache, pass.Ranges(0), mixed);
            for (int h = 0; h < Heads; h++)
            {
                ExpandValue[h].Forward(
                    workspace, mixed.SliceColumns(h * Rank, Rank), heads.SliceColumns(h * ValueSize, ValueSize));
            }
        }
    }
}
