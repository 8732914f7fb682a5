using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// LFM2 (Liquid AI, 2025): short gated convolutions with attention in some layers, those with key heads in the file's list; dense or with
/// experts after the first layers (docs/models/text.md#lfm2). The norm at the end is called <c>token_embd_norm</c>.
/// </summary>
internal sealed class Lfm2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["lfm2", "lfm2moe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        var attention = new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.RmsPerHead, Window = c.SlidingWindow };
        return new DecoderPlan
        {
            Blocks = b.Layers(i => b.RmsBlock(
                i,
                c.KvHeads[i] == 0 ? b.ShortConvolution(i) : b.Attention(i, attention),
                c.Experts is not null && i >= c.Experts.LeadingDenseLayers
                    ? b.Experts(i, normalize: true, c.FeedForwardLength[i], ExpertGate.Sigmoid)
                    : b.GatedMlp(i, Activation.Silu))),
            OutputNorm = b.RmsNorm(b.Weights.Has("output_norm.weight") ? "output_norm" : "token_embd_norm"),
            Output = b.Output(),
        };
    }
}
