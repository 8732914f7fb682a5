using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// StableLM (arXiv:2402.17834): LayerNorm, part of each head rotated, heads normalised in some sizes. Files without <c>ffn_norm</c> have
/// the parallel form: the MLP reads what the attention read (docs/models/text.md#stablelm).
/// </summary>
internal sealed class StableLm : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["stablelm"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        return new DecoderPlan
        {
            Blocks = b.Layers(i => new DecoderBlock
            {
                MixerNorm = b.LayerNorm(i, "attn_norm"),
                Mixer = b.Attention(i, new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.OptionalLayerNormPerHead }),
                FeedForwardNorm = b.Has(i, "ffn_norm.weight") ? b.LayerNorm(i, "ffn_norm") : null,
                FeedForward = b.GatedMlp(i, Activation.Silu),
            }),
            OutputNorm = b.LayerNorm("output_norm"),
            Output = b.Output(tied: false),
        };
    }
}
