using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>SmolLM3: Llama with no positions in every fourth layer (NoPE, arXiv:2501.18795).</summary>
internal sealed class SmolLm3 : LanguageFamily
{
    private const int LayersPerUnrotated = 4;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["smollm3"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.Adjacent);
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = (i + 1) % LayersPerUnrotated == 0 ? null : rotary }),
            b.GatedMlp(i, Activation.Silu)));
    }
}
