using TinyMllm.Engine;

namespace TinyMllm.Language.Families;

/// <summary>
/// Qwen1.5-MoE and Qwen2-MoE: weights of the chosen experts are not normalised, a gated shared expert is added (docs/models/text.md#qwen).
/// </summary>
internal sealed class Qwen2Moe : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["qwen2moe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        int used = b.Config.Experts?.Used ?? 1;
        return b.RmsDecoder(
            i => b.RmsBlock(
                i,
                b.Attention(i, new AttentionTraits { Rotary = rotary }),
                b.Experts(i, normalize: false, b.Config.FeedForwardLength[i] / used)),
            tied: false);
    }
}
