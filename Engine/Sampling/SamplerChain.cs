using TinyMllm.Engine.Sampling.Stages;

namespace TinyMllm.Engine.Sampling;

/// <summary>Turns options into the stages that are really needed.</summary>
internal static class SamplerChain
{
    public static SamplerStage[] Build(SamplerOptions options, int vocabularySize, IVocabulary? vocabulary, uint seed)
    {
        List<SamplerStage> chain = [];
        if (LogitBias(options, vocabularySize, vocabulary) is { } bias) chain.Add(bias);

        if (options.Mirostat != 0)
        {
            chain.Add(new Temperature(options.Temperature, options.DynamicTemperatureRange, options.DynamicTemperatureExponent));
            chain.Add(options.Mirostat == 1
                ? new MirostatV1(options.MirostatTau, options.MirostatEta, seed)
                : new MirostatV2(options.MirostatTau, options.MirostatEta, seed));
            return [.. chain];
        }

        bool greedy = options is { Temperature: <= 0, DynamicTemperatureRange: <= 0 } && !options.Order.Contains(SamplerStageKind.AdaptiveP);
        foreach (SamplerStageKind kind in options.Order)
        {
            if (greedy && NeverDropsTheBest(kind)) continue;
            if (Stage(kind, options, vocabularySize, vocabulary, seed) is { } stage) chain.Add(stage);
        }

        if (greedy)
        {
            chain.Add(new GreedyChoice());
        }
        else
        {
            chain.Add(options.Order.Contains(SamplerStageKind.AdaptiveP)
                ? new AdaptiveP(options.AdaptiveTarget, options.AdaptiveDecay, seed)
                : new Distribution(seed));
        }

        return [.. chain];
    }

    /// <summary>The stage of a kind, or null when the options turn it off.</summary>
    private static SamplerStage? Stage(SamplerStageKind kind, SamplerOptions o, int vocabularySize, IVocabulary? vocabulary, uint seed) => kind switch
    {
        SamplerStageKind.Penalties when o is { RepeatPenalty: 1, FrequencyPenalty: 0, PresencePenalty: 0 } or { PenaltyLastN: 0 } => null,
        SamplerStageKind.Penalties =>
            new Penalties(vocabularySize, Window(o.PenaltyLastN, o), o.RepeatPenalty, o.FrequencyPenalty, o.PresencePenalty),
        SamplerStageKind.Dry when o.DryMultiplier == 0 || o.DryBase < 1 || o.DryLastN == 0 => null,
        SamplerStageKind.Dry => new Dry(vocabularySize, Window(o.DryLastN, o), o.DryMultiplier, o.DryBase, o.DryAllowedLength,
            new DryBreakers(vocabulary ?? throw NeedsVocabulary(nameof(o.DryMultiplier)), o.DrySequenceBreakers)),
        SamplerStageKind.TopNSigma => o.TopNSigma > 0 ? new TopNSigma(o.TopNSigma) : null,
        SamplerStageKind.TopK => o.TopK > 0 ? new TopK(o.TopK) : null,
        SamplerStageKind.Typical => o.TypicalP < 1 ? new Typical(o.TypicalP, o.MinKeep) : null,
        SamplerStageKind.TopP => o.TopP < 1 ? new TopP(o.TopP, o.MinKeep) : null,
        SamplerStageKind.MinP => o.MinP > 0 ? new MinP(o.MinP, o.MinKeep) : null,
        SamplerStageKind.Xtc => o.XtcProbability > 0 && o.XtcThreshold <= 0.5f ? new Xtc(o.XtcProbability, o.XtcThreshold, o.MinKeep, seed) : null,
        SamplerStageKind.Temperature => new Temperature(o.Temperature, o.DynamicTemperatureRange, o.DynamicTemperatureExponent),
        SamplerStageKind.AdaptiveP => null, // not in the chain's middle: it makes the final draw
        _ => throw new ArgumentException($"sampling option Order holds {kind}, which is no stage"),
    };

    private static bool NeverDropsTheBest(SamplerStageKind kind) => kind is SamplerStageKind.TopNSigma or SamplerStageKind.TopK
        or SamplerStageKind.TopP or SamplerStageKind.MinP or SamplerStageKind.Temperature;

    private static SamplerStage? LogitBias(SamplerOptions options, int vocabularySize, IVocabulary? vocabulary)
    {
        foreach (int token in options.LogitBias.Keys)
        {
            if (token < vocabularySize) continue;
            throw new ArgumentException(
                $"sampling option LogitBias names token {token}, but the vocabulary has {vocabularySize}", nameof(options));
        }

        List<(int, float)> biases = [.. options.LogitBias.Select(pair => (pair.Key, pair.Value))];
        if (options.IgnoreEndOfGeneration)
        {
            if (vocabulary is null) throw NeedsVocabulary(nameof(options.IgnoreEndOfGeneration));
            biases.AddRange(Enumerable.Range(0, vocabulary.Count).Where(vocabulary.IsEndOfGeneration).Select(token => (token, float.NegativeInfinity)));
        }

        return biases.Count == 0 ? null : new LogitBias([.. biases]);
    }

    private static int Window(int lastN, SamplerOptions options) => lastN < 0 ? options.ContextLength : lastN;

    private static ArgumentException NeedsVocabulary(string option) =>
        new($"sampling option {option} needs a vocabulary: give the sampler one", option);
}
