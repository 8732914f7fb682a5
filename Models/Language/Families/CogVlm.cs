using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// CogVLM (arXiv:2311.03079): picture rows pass through matrices of their own, norms and cache are shared (docs/models/text.md#cogvlm).
/// </summary>
internal sealed class CogVlm : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["cogvlm"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, Base = 10000 });
        return b.RmsDecoder(i => b.RmsBlock(i, b.Attention(i, new AttentionTraits { Rotary = rotary }), b.GatedMlp(i, Activation.Silu)) with
        {
            PictureMixer = b.Attention(i, new AttentionTraits { Rotary = rotary, Prefix = "vis_attn" }),
            PictureFeedForward = b.GatedMlp(i, Activation.Silu, prefix: "vis"),
        }) with
        {
            LogitsOfFirstRows = b.Follows(Quirks.FirstRowLogits),
        };
    }
}
