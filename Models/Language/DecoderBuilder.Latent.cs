using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language;

/// <summary>Multi-head latent attention.</summary>
internal sealed partial class DecoderBuilder
{
    /// <summary>
    /// Latent attention of layer <paramref name="layer"/> (DeepSeek-V2): <c>attn_kv_a_mqa</c>, then <c>attn_kv_b</c> or <c>attn_k_b</c>
    /// and <c>attn_v_b</c>.
    /// </summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="rotary">Rotation of the keys' last features.</param>
    /// <param name="scale">Factor of the scores.</param>
    public ITokenMixer LatentAttention(int layer, RotaryEmbedding rotary, float scale)
    {
        var c = Config.Latent ?? throw new UnsupportedModelException($"key '{Config.Architecture}.attention.kv_lora_rank' is missing");
        int heads = Config.Heads[layer], rotated = rotary.Dimensions, plain = c.KeySize - rotated;
        if (heads == 0 || plain <= 0)
            throw new UnsupportedModelException($"{Config.Architecture}: {heads} heads of {c.KeySize} features, {rotated} of them rotated");

        int queryInputs = c.QueryRank > 0 ? c.QueryRank : Width;
        var queryDown = c.QueryRank > 0 ? Weights.Linear(Name(layer, "attn_q_a"), Width, c.QueryRank) : null;
        var queryNorm = c.QueryRank > 0 ? RmsNorm(Name(layer, "attn_q_a_norm"), c.QueryRank) : null;
        var query = Weights.Linear(Name(layer, c.QueryRank > 0 ? "attn_q_b" : "attn_q"), queryInputs, heads * c.KeySize);
        var latent = Weights.Linear(Name(layer, "attn_kv_a_mqa"), Width, c.KvRank + rotated);
        var latentNorm = RmsNorm(Name(layer, "attn_kv_a_norm"), c.KvRank);
        var expand = c.IsSplit ? null : Weights.Linear(Name(layer, "attn_kv_b"), c.KvRank, heads * (plain + c.ValueSize));
        var keys = c.IsSplit ? Weights.Get(Name(layer, "attn_k_b.weight"), plain, c.KvRank, heads) : null;
        var values = c.IsSplit ? Weights.Get(Name(layer, "attn_v_b.weight"), c.KvRank, c.ValueSize, heads) : null;
        var output = Weights.Linear(Name(layer, "attn_output"), heads * c.ValueSize, Width);
        return new LatentAttention
        {
            QueryDown = queryDown is null ? null : (queryDown, queryNorm!),
            Query = query,
            Latent = latent,
            LatentNorm = latentNorm,
            Expand = expand,
            AbsorbKey = PerHead(keys, heads),
            ExpandValue = PerHead(values, heads),
            Output = output,
            Rotary = rotary,
            Heads = heads,
            KeySize = c.KeySize,
            ValueSize = c.ValueSize,
            Rank = c.KvRank,
            Scale = scale,
        };
    }

    private Linear[] PerHead(StoredTensor? tensor, int heads) =>
        tensor is null ? [] : [.. Enumerable.Range(0, heads).Select(h => Weights.Linear(tensor.Slab(h)))];
}
