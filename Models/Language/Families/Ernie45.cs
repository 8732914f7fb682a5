using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// ERNIE 4.5, and PaddleOCR-VL's decoder, which is the same with positions in three dimensions
/// (docs/models/text.md#ernie-45-and-paddleocr-vl).
/// </summary>
internal sealed class Ernie45 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["ernie4_5", "paddleocr"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        bool multimodal = b.Config.Architecture == "paddleocr";
        if (multimodal) b.RequireSections();
        var rotary = b.Rotary(new RotaryTraits
        {
            Pairing = multimodal ? RotaryPairing.HalfSplit : RotaryPairing.Adjacent,
            HasSections = multimodal,
        });
        return b.RmsDecoder(i => b.RmsBlock(i, b.Attention(i, new AttentionTraits { Rotary = rotary }), b.GatedMlp(i, Activation.Silu)));
    }
}
