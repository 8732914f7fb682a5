using TinyMllm.Engine;

namespace TinyMllm.Language;

/// <summary>Rotary embeddings, from what the family fixes and what the file states (docs/models/text.md#rotary-embedding).</summary>
internal sealed partial class DecoderBuilder
{
    private readonly List<RotaryEmbedding> _rotaries = [];

    /// <summary>The model's rotary embeddings, by <see cref="RotaryEmbedding.Slot"/>.</summary>
    public IReadOnlyList<RotaryEmbedding> Rotaries => _rotaries;

    /// <summary>A rotary embedding with the given pairing and otherwise the file's values.</summary>
    public RotaryEmbedding Rotary(RotaryPairing pairing) => Rotary(new RotaryTraits { Pairing = pairing });

    /// <summary>A rotary embedding of the model.</summary>
    public RotaryEmbedding Rotary(RotaryTraits traits)
    {
        var stated = Config.Rotary;
        int dimensions = traits.Dimensions ?? stated.Dimensions;
        if (dimensions <= 0 || dimensions % 2 != 0)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: 'rope.dimension_count' is {dimensions}, expected a positive even number");
        }

        float frequencyBase = traits.Base ?? stated.Base;
        if (!(frequencyBase > 1))
            throw new UnsupportedModelException($"{Config.Architecture}: 'rope.freq_base' is {frequencyBase}, expected more than 1");
        _rotaries.Add(RotaryEmbedding.Create(new RotaryOptions
        {
            Pairing = traits.Pairing,
            Dimensions = dimensions,
            Base = frequencyBase,
            FrequencyScale = traits.IsScaled ? 1 / stated.Factor : 1,
            Magnitude = traits.IsScaled ? stated.AttentionFactor : 1,
            FrequencyFactors = traits.ReadsFactors ? FrequencyFactors(dimensions / 2) : null,
            Yarn = traits.IsScaled && stated.Scaling == "yarn" ? Yarn(stated, traits) : null,
            Sections = traits.HasSections && stated.Sections is { } sections ? Sections(sections, traits) : null,
        }));
        return _rotaries[^1] = _rotaries[^1].WithSlot(_rotaries.Count - 1);
    }

    /// <summary>Refuses a file without multimodal rotary sections.</summary>
    public void RequireSections()
    {
        if (Config.Rotary.Sections is null)
            throw new UnsupportedModelException($"key '{Config.Architecture}.rope.dimension_sections' is missing");
    }

    private RotarySections Sections(int[] pairs, RotaryTraits traits) => new(
        pairs[0], pairs[1], pairs[2], pairs.Length > 3 ? pairs[3] : 0, traits.Interleaved, !Follows(Quirks.LeftoverPairsOfFourthAxis));

    private static YarnOptions Yarn(RotaryConfig stated, RotaryTraits traits) => new(
        stated.OriginalContext,
        stated.Factor,
        stated.BetaFast,
        stated.BetaSlow,
        traits.YarnLogMultiplier ?? stated.YarnLogMultiplier,
        traits.SameYarnMultiplier);

    /// <summary>The factors that the file gives: one set for all, else long or short by the configured context (not by position).</summary>
    private float[]? FrequencyFactors(int pairs)
    {
        int context = _options.Context > 0 ? _options.Context : Config.ContextLength;
        string chosen = context > Config.Rotary.OriginalContext ? "rope_factors_long.weight" : "rope_factors_short.weight";
        return (Weights.Find("rope_freqs.weight", pairs) ?? Weights.Find(chosen, pairs)) is { } factors ? Floats(factors) : null;
    }
}
