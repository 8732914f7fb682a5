using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Ministral 3: Llama with YaRN and queries that grow with the logarithm of the position (docs/models/text.md#mistral-3).
/// </summary>
internal sealed class Mistral3 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["mistral3"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.Adjacent, ReadsFactors = true });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary, TemperatureScale = b.Config.Rotary.TemperatureScale }),
            b.Config.Experts is null ? b.GatedMlp(i, Activation.Silu) : b.Experts(i, normalize: true, b.Config.FeedForwardLength[i])));
    }
}
