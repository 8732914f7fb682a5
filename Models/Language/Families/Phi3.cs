using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Phi-3 and Phi-4 (arXiv:2404.14219): matrices fused, long and short rotary factors (language-models.md 3.3). The file's window is not
/// used: as in llama.cpp, and as the models behave within it.
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
            b.Attention(i, new AttentionTraits { Rotary = rotary }),
            b.FusedGatedMlp(i, Activation.Silu)));
    }
}
