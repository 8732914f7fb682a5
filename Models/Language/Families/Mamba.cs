using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language.Families;

/// <summary>
/// Mamba (arXiv:2312.00752; the text side of Cobra and VL-Mamba): one recurrent mixer per layer, no feed-forward network
/// (docs/models/text.md#mamba).
/// </summary>
internal sealed class Mamba : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["mamba"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b) => b.RmsDecoder(i => new DecoderBlock
    {
        MixerNorm = b.RmsNorm(i, "attn_norm"),
        Mixer = b.SelectiveStateSpace(i),
    });
}
