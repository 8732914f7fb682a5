using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// MiniCPM (arXiv:2404.06395): Llama with factors on embeddings, branches and logits (docs/models/text.md#minicpm-and-granite).
/// The defaults are llama.cpp's for files without the keys.
/// </summary>
internal sealed class MiniCpm : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["minicpm"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;
        var rotary = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.Adjacent, ReadsFactors = true });
        float embeddingScale = c.EmbeddingScale ?? 12;
        float residualScale = c.ResidualScale ?? 1.4f / MathF.Sqrt(c.Layers);
        float logitScale = c.LogitScale ?? 256f / c.EmbeddingLength;
        return b.RmsDecoder(i => b.RmsBlock(i, b.Attention(i, new AttentionTraits { Rotary = rotary }), b.GatedMlp(i, Activation.Silu)) with
        {
            ResidualScale = residualScale,
        }) with
        {
            EmbeddingScale = embeddingScale,
            PictureEmbeddingScale = embeddingScale,
            LogitScale = logitScale == 0 ? 1 : 1 / logitScale,
        };
    }
}
