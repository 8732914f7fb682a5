using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Gguf;

/// <summary>The sampling options that a model's author recommends: the keys <c>general.sampling.*</c>.</summary>
public static class RecommendedSampling
{
    private const string Prefix = "general.sampling.";

    /// <summary>Whether the author recommends anything.</summary>
    /// <param name="metadata">The model file's metadata.</param>
    public static bool IsIn(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return metadata.Entries.Any(entry => entry.Key.StartsWith(Prefix, StringComparison.Ordinal));
    }

    /// <summary>Puts the model's values in place of the given ones; keys that are missing, or whose value makes no sense, change nothing.</summary>
    /// <param name="metadata">The model file's metadata.</param>
    /// <param name="options">Options for what the model does not say; null: the general defaults.</param>
    public static SamplerOptions Read(GgufMetadata metadata, SamplerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        options ??= new SamplerOptions();
        void Number(string key, Func<SamplerOptions, float, SamplerOptions> set)
        {
            if (metadata.TryGetSingle(Prefix + key, out float value)) options = IfValid(options, set(options, value));
        }

        void Integer(string key, Func<SamplerOptions, int, SamplerOptions> set)
        {
            if (metadata.TryGetInt32(Prefix + key, out int value)) options = IfValid(options, set(options, value));
        }

        Integer("top_k", (o, value) => o with { TopK = value });
        Number("top_p", (o, value) => o with { TopP = value });
        Number("min_p", (o, value) => o with { MinP = value });
        Number("temp", (o, value) => o with { Temperature = value });
        Number("xtc_probability", (o, value) => o with { XtcProbability = value });
        Number("xtc_threshold", (o, value) => o with { XtcThreshold = value });
        Integer("penalty_last_n", (o, value) => o with { PenaltyLastN = value });
        Number("penalty_repeat", (o, value) => o with { RepeatPenalty = value });
        Integer("mirostat", (o, value) => o with { Mirostat = value });
        Number("mirostat_tau", (o, value) => o with { MirostatTau = value });
        Number("mirostat_eta", (o, value) => o with { MirostatEta = value });
        return options;
    }

    private static SamplerOptions IfValid(SamplerOptions before, SamplerOptions after)
    {
        try
        {
            after.Validate();
            return after;
        }
        catch (ArgumentException)
        {
            return before;
        }
    }
}
