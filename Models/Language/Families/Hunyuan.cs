using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// HunyuanOCR: heads are normalised after the rotation, the rotary base grows by the file's NTK factor (docs/models/text.md#hunyuan).
/// </summary>
internal sealed class Hunyuan : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["hunyuan_vl"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var stated = b.Config.Rotary;
        float exponent = (float)stated.Dimensions / (stated.Dimensions - 2);
        var rotary = b.Rotary(new RotaryTraits
        {
            Pairing = RotaryPairing.HalfSplit,
            ReadsFactors = true,
            HasSections = true,
            Base = stated.Alpha > 0 ? stated.Base * MathF.Pow(stated.Alpha, exponent) : null,
        });
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary, Norm = QueryKeyNorm.RmsPerHeadAfterRotation }),
            b.GatedMlp(i, Activation.Silu)));
    }
}
