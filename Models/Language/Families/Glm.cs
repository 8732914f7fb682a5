using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// GLM-Edge (<c>chatglm</c>) and GLM-4 (<c>glm4</c>: norms after each branch too, positions in three dimensions where the file has
/// sections): half of each head rotated, gate and up fused (docs/models/text.md#glm).
/// </summary>
internal sealed class Glm : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["chatglm", "glm4"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        bool postNorms = b.Config.Architecture == "glm4";
        bool multimodal = postNorms && b.Config.Rotary.Sections is not null;
        var rotary = b.Rotary(new RotaryTraits
        {
            Pairing = multimodal ? RotaryPairing.HalfSplit : RotaryPairing.Adjacent,
            HasSections = multimodal,
        });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary }),
            b.FusedGatedMlp(i, Activation.Silu)) with
        {
            MixerPostNorm = postNorms ? b.RmsNorm(i, "post_attention_norm") : null,
            FeedForwardPostNorm = postNorms ? b.RmsNorm(i, "post_ffw_norm") : null,
        });
    }
}
