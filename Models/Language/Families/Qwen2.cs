using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Qwen 2 and 2.5 (arXiv:2407.10671), and Qwen2-VL (arXiv:2409.12191), which differs by positions in three dimensions
/// (docs/models/text.md#qwen). Queries, keys and values have biases.
/// </summary>
internal sealed class Qwen2 : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["qwen2", "qwen2vl"];

    /// <summary>Qwen2-VL files of some converters carry no epsilon; 1e-6 is the original's.</summary>
    public override float? DefaultEpsilon(string architecture) => architecture == "qwen2vl" ? 1e-6f : null;

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        bool multimodal = b.Config.Architecture == "qwen2vl";
        if (multimodal) b.RequireSections();
        if (multimodal && b.Follows(Quirks.NoEpsilon)) b.Config = b.Config with { Epsilon = 0 };
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, HasSections = multimodal });
        return b.RmsDecoder(i => b.RmsBlock(i, b.Attention(i, new AttentionTraits { Rotary = rotary }), b.GatedMlp(i, Activation.Silu)));
    }
}
