using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// DeepSeek-MoE (arXiv:2401.06066) and DeepSeek-OCR's decoder: plain attention, a few dense layers, then many narrow experts with shared
/// ones (docs/models/text.md#deepseek).
/// </summary>
internal sealed class DeepSeek : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["deepseek", "deepseek2-ocr"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(b.Config.Architecture == "deepseek"
            ? new RotaryTraits { Pairing = RotaryPairing.Adjacent }
            : new RotaryTraits { Pairing = RotaryPairing.HalfSplit, Base = 10000, IsScaled = false });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary }),
            i < (b.Config.Experts?.LeadingDenseLayers ?? int.MaxValue)
                ? b.GatedMlp(i, Activation.Silu)
                : b.Experts(i, normalize: false, b.Config.FeedForwardLength[i])));
    }
}
