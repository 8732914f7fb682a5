using TinyMllm.Engine;

namespace TinyMllm.Language.Families;

/// <summary>
/// OLMoE (arXiv:2409.02060): queries and keys are normalised over all heads together, expert weights are not normalised
/// (docs/models/text.md#olmoe).
/// </summary>
internal sealed class Olmoe : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["olmoe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        return b.RmsDecoder(
            i => b.RmsBlock(
                i,
                b.Attention(i, new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.RmsWhole }),
                b.Experts(i, normalize: false, b.Config.FeedForwardLength[i])),
            tied: false);
    }
}
