using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Gemma (arXiv:2403.08295): embeddings of text and pictures times √n, GeGLU, output always tied (docs/models/text.md#gemma).
/// The norms' weights are stored with the one already added.
/// </summary>
internal sealed class Gemma : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["gemma"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        float scale = MathF.Sqrt(b.Config.EmbeddingLength);
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary }),
            b.GatedMlp(i, Activation.GeluTanh))) with
        {
            EmbeddingScale = scale,
            PictureEmbeddingScale = scale,
        };
    }
}
