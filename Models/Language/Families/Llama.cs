using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Llama (arXiv:2302.13971, 2407.21783) and what is stored in its form: SmolLM, TinyLlama, MobileLLaMA, InternLM 2, Mistral, Mixtral's
/// experts, Janus-Pro (docs/models/text.md#llama). Queries and keys come permuted for adjacent rotary pairs.
/// </summary>
internal sealed class Llama : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["llama", "internlm2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.Adjacent, ReadsFactors = true });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary }),
            b.Config.Experts is null ? b.GatedMlp(i, Activation.Silu) : b.Experts(i, normalize: true, b.Config.FeedForwardLength[i])));
    }
}
