using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>GPT-2: LayerNorm and biases everywhere, learned positions added to the input.</summary>
internal sealed class Gpt2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["gpt2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b) => new()
    {
        PositionEmbedding = b.Weights.Get("position_embd.weight", b.Config.EmbeddingLength, b.Config.ContextLength),
        Blocks = b.Layers(i => new DecoderBlock
        {
            MixerNorm = b.LayerNorm(i, "attn_norm"),
            Mixer = b.Attention(i, new AttentionTraits()),
            FeedForwardNorm = b.LayerNorm(i, "ffn_norm"),
            FeedForward = b.Mlp(i, Activation.GeluTanh),
        }),
        OutputNorm = b.LayerNorm("output_norm"),
        Output = b.Output(),
    };
}
