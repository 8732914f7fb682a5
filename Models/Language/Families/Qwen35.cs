using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Qwen 3.5 (MiniCPM-V 4.6's text side): gated delta nets, and every fourth layer attention with a gate per head
/// (docs/models/text.md#qwen-35).
/// </summary>
internal sealed class Qwen35 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["qwen35"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        b.RequireSections();
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, HasSections = true, Interleaved = true });
        var attention = new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.RmsPerHead, HasGate = true };
        return b.RmsDecoder(i => new DecoderBlock
        {
            MixerNorm = b.RmsNorm(i, "attn_norm"),
            Mixer = IsRecurrent(b.Config, i) ? b.GatedDeltaNet(i) : b.Attention(i, attention),
            FeedForwardNorm = b.RmsNorm(i, "post_attention_norm"),
            FeedForward = b.GatedMlp(i, Activation.Silu),
        });
    }

    private static bool IsRecurrent(LanguageConfig config, int layer) => config.StateSpace is { } c
        && (c.RecurrentLayers is { } list ? list[layer] : (layer + 1) % c.FullAttentionInterval != 0);
}
