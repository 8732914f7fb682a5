using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// DeepSeek-V2 and V3 (arXiv:2405.04434; Kimi-VL's text side): latent attention, narrow experts with shared ones
/// (docs/models/text.md#latent-attention).
/// </summary>
internal sealed class DeepSeek2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["deepseek2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;

        // The file holds a tenth of the multiplier.
        float multiplier = c.Rotary.YarnLogMultiplier / 0.1f;
        var rotary = b.Rotary(new RotaryTraits
        {
            Pairing = RotaryPairing.Adjacent,
            YarnLogMultiplier = multiplier,
            SameYarnMultiplier = true,
        });
        float growth = c.Rotary.Scaling == "yarn" ? c.Rotary.AttentionFactor * (1 + (0.1f * multiplier * MathF.Log(c.Rotary.Factor))) : 1;
        float scale = growth * growth / MathF.Sqrt(c.Latent?.KeySize ?? c.KeySize);
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.LatentAttention(i, rotary, scale),
            i < (c.Experts?.LeadingDenseLayers ?? int.MaxValue)
                ? b.GatedMlp(i, Activation.Silu)
                : b.Experts(i, normalize: false, c.FeedForwardLength[i])));
    }
}
