using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>StarCoder 2 (arXiv:2402.19173): LayerNorm and biases everywhere, rotary heads, plain MLP.</summary>
internal sealed class StarCoder2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["starcoder2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        return new DecoderPlan
        {
            Blocks = b.Layers(i => new DecoderBlock
            {
                MixerNorm = b.LayerNorm(i, "attn_norm"),
                Mixer = b.Attention(i, new AttentionTraits { Rotary = rotary }),
                FeedForwardNorm = b.LayerNorm(i, "ffn_norm"),
                FeedForward = b.Mlp(i, Activation.GeluTanh),
            }),
            OutputNorm = b.LayerNorm("output_norm"),
            Output = b.Output(),
        };
    }
}
