using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Qwen 3 (arXiv:2505.09388): each query and key head is RMS-normalised before it is rotated. Its experts (normalised weights) and its
/// vision form, with interleaved three-dimensional positions and the deeper features of the picture added behind the first layers
/// (docs/models/text.md#qwen).
/// </summary>
internal sealed class Qwen3 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        bool multimodal = b.Config.Architecture.StartsWith("qwen3vl", StringComparison.Ordinal);
        if (multimodal) b.RequireSections();
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, HasSections = multimodal, Interleaved = true });
        var plan = b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.RmsPerHead }),
            b.Config.Experts is null ? b.GatedMlp(i, Activation.Silu) : b.Experts(i, normalize: true, b.Config.FeedForwardLength[i])));
        return multimodal ? plan with { Deepstack = Deepstack(b.Config) } : plan;
    }

    /// <summary>Slice k is added behind layer k − 1, that is before layer k.</summary>
    private static DeepstackPlan? Deepstack(LanguageConfig config)
    {
        int slices = config.DeepstackLayers;
        if (slices == 0) return null;
        return new DeepstackPlan(slices, [.. Enumerable.Range(0, config.Layers + 1).Select(i => i > 0 && i <= slices ? i : -1)]);
    }
}
