using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Granite 3 and 4 (µP factors, arXiv:2408.13359, on embeddings, branches, scores and logits), dense or with experts; Granite 4 Vision
/// adds deeper features of the picture before the layers that the file names (docs/models/text.md#minicpm-and-granite).
/// </summary>
internal sealed class Granite : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["granite", "granitemoe"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;
        float logitScale = c.LogitScale ?? throw new UnsupportedModelException($"key '{c.Architecture}.logit_scale' is missing");
        float embeddingScale = NonZero(c.EmbeddingScale), residualScale = NonZero(c.ResidualScale);
        var rotary = c.Rotary.Finetuned ? b.Rotary(new RotaryTraits { Pairing = RotaryPairing.Adjacent, ReadsFactors = true }) : null;
        var deepstack = Deepstack(c);
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits { Rotary = rotary, Scale = c.AttentionScale }),
            c.Experts is null ? b.GatedMlp(i, Activation.Silu) : b.Experts(i, normalize: true, c.FeedForwardLength[i])) with
        {
            ResidualScale = residualScale,
        }) with
        {
            EmbeddingScale = embeddingScale,
            PictureEmbeddingScale = deepstack is null ? embeddingScale : 1,
            LogitScale = 1 / NonZero(logitScale),
            Deepstack = deepstack,
        };
    }

    private static float NonZero(float? scale) => scale is null or 0 ? 1 : scale.Value;

    private static DeepstackPlan? Deepstack(LanguageConfig c)
    {
        if (c.DeepstackMapping is not { } mapping) return null;
        int[] before = [.. Enumerable.Range(0, c.Layers + 1).Select(i => i > 0 && i < c.Layers ? Math.Max(-1, mapping[i]) : -1)];
        int slices = before.Max();
        if (slices >= c.Layers)
            throw new UnsupportedModelException($"key '{c.Architecture}.deepstack_mapping' names slice {slices}, expected less than {c.Layers}");
        return slices < 1 ? null : new DeepstackPlan(slices, before);
    }
}
