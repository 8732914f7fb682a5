using TinyMllm.Engine;

namespace TinyMllm.Language;

/// <summary>Makes a rotary embedding from what the family fixes and what the file states (docs/models/text.md#rotary-embedding).</summary>
internal static class RotarySetup
{
    /// <summary>The embedding of a model.</summary>
    /// <param name="config">What the file states.</param>
    /// <param name="tensors">The file's frequency factors.</param>
    /// <param name="traits">What the family fixes.</param>
    /// <param name="options">The context that sessions will have, and whose arithmetic is followed.</param>
    public static RotaryEmbedding Create(LanguageConfig config, ModelTensors tensors, RotaryTraits traits, LanguageModelOptions options)
    {
        var stated = config.Rotary;
        int dimensions = traits.Dimensions ?? stated.Dimensions;
        if (dimensions <= 0 || dimensions % 2 != 0)
        {
            throw new UnsupportedModelException(
                $"{config.Architecture}: 'rope.dimension_count' is {dimensions}, expected a positive even number");
        }

        float frequencyBase = traits.Base ?? stated.Base;
        if (!(frequencyBase > 1))
            throw new UnsupportedModelException($"{config.Architecture}: 'rope.freq_base' is {frequencyBase}, expected more than 1");
        int configured = options.Context > 0 ? options.Context : config.ContextLength;
        return RotaryEmbedding.Create(new RotaryOptions
        {
            Pairing = traits.Pairing,
            Dimensions = dimensions,
            Base = frequencyBase,
            FrequencyScale = traits.IsScaled ? 1 / stated.Factor : 1,
            Magnitude = traits.IsScaled ? stated.AttentionFactor : 1,
            FrequencyFactors = traits.ReadsFactors ? Factors(stated, tensors, dimensions / 2, configured) : null,
            Yarn = traits.IsScaled && stated.Scaling == "yarn" ? Yarn(stated, traits) : null,
            Sections = traits.HasSections && stated.Sections is { } sections
                ? Sections(sections, traits, options.Compatibility == Compatibility.Original)
                : null,
        });
    }

    private static RotarySections Sections(int[] pairs, RotaryTraits traits, bool leftoverTurnsWithTime) => new(
        pairs[0], pairs[1], pairs[2], pairs.Length > 3 ? pairs[3] : 0, traits.Interleaved, leftoverTurnsWithTime);

    private static YarnOptions Yarn(RotaryConfig stated, RotaryTraits traits) => new(
        stated.OriginalContext,
        stated.Factor,
        stated.BetaFast,
        stated.BetaSlow,
        traits.YarnLogMultiplier ?? stated.YarnLogMultiplier,
        traits.SameYarnMultiplier);

    /// <summary>The factors that the file gives: one set for all, else long or short by the configured context (not by position).</summary>
    private static float[]? Factors(RotaryConfig stated, ModelTensors tensors, int pairs, int context)
    {
        string chosen = context > stated.OriginalContext ? "rope_factors_long.weight" : "rope_factors_short.weight";
        var tensor = tensors.Find("rope_freqs.weight", pairs) ?? tensors.Find(chosen, pairs);
        if (tensor is null) return null;
        float[] factors = new float[pairs];
        tensor.DecodeTo(factors);
        return factors;
    }
}
