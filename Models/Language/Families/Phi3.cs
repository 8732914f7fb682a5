using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Phi-3 and Phi-4 (arXiv:2404.14219): matrices fused, long and short rotary factors (docs/models/text.md#phi). The window (2047 tokens in
/// Phi-3-mini-4k) is the original's; llama.cpp sees everything.
/// </summary>
internal sealed class Phi3 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["phi3"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, ReadsFactors = true });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary, Window = b.Follows(Quirks.NoWindow) ? 0 : b.Config.SlidingWindow }),
            b.FusedGatedMlp(i, Activation.Silu)));
    }
}
