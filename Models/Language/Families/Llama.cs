using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Llama (arXiv:2302.13971, 2407.21783) and what is stored in its form: SmolLM, TinyLlama, MobileLLaMA, Mistral, Mixtral, Idefics3, Janus-Pro
/// (language-models.md 3.1). Queries and keys come permuted for adjacent rotary pairs.
/// </summary>
internal sealed class Llama : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["llama"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.Adjacent, ReadsFactors = true });
        return new DecoderPlan
        {
            Blocks = b.Layers(i => new BlockPlan
            {
                MixerNorm = b.RmsNorm(i, "attn_norm"),
                Mixer = b.Attention(i, new AttentionTraits { Rotary = rotary }),
                FeedForwardNorm = b.RmsNorm(i, "ffn_norm"),
                FeedForward = b.GatedMlp(i, Activation.Silu),
            }),
            OutputNorm = b.RmsNorm("output_norm"),
            Output = b.Output(),
        };
    }
}
