using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Phi-1.5 and Phi-2 (arXiv:2309.05463): attention and MLP side by side on one LayerNorm, part of each head rotated
/// (docs/models/text.md#phi).
/// </summary>
internal sealed class Phi2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["phi2"];

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
                FeedForward = b.Mlp(i, Activation.GeluTanh),
            }),
            OutputNorm = b.LayerNorm("output_norm"),
            Output = b.Output(tied: false),
        };
    }
}
