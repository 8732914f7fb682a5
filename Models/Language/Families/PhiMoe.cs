using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language.Families;

/// <summary>Phi-3.5-MoE (arXiv:2404.14219): Phi-3 with experts, norms with biases (docs/models/text.md#phi).</summary>
internal sealed class PhiMoe : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["phimoe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, ReadsFactors = true });
        return new DecoderPlan
        {
            Blocks = b.Layers(i => new DecoderBlock
            {
                MixerNorm = b.ShiftedRmsNorm(i, "attn_norm"),
                Mixer = b.Attention(i, new AttentionTraits { Rotary = rotary }),
                FeedForwardNorm = b.ShiftedRmsNorm(i, "ffn_norm"),
                FeedForward = b.Experts(i, normalize: true, b.Config.FeedForwardLength[i]),
            }),
            OutputNorm = b.ShiftedRmsNorm("output_norm"),
            Output = b.Output(tied: false),
        };
    }
}
