using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language.Families;

/// <summary>Mamba 2 (arXiv:2405.21060): heads that share their decay, no feed-forward network (docs/models/text.md#mamba-2).</summary>
internal sealed class Mamba2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["mamba2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b) => b.RmsDecoder(i => new DecoderBlock
    {
        MixerNorm = b.RmsNorm(i, "attn_norm"),
        Mixer = b.StateSpaceDuality(i),
    });
}
