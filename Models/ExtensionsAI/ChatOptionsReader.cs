using Microsoft.Extensions.AI;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// What the options of a request ask for, in this library's terms. Every option is honoured or refused with an exception that names it; none
/// is passed over.
/// </summary>
/// <param name="client">The client that a <see cref="ChatOptions.RawRepresentationFactory"/> is told of.</param>
/// <param name="modelId">The model's name.</param>
/// <param name="defaultSampling">How tokens are chosen where a request does not say.</param>
internal sealed class ChatOptionsReader(IChatClient client, string modelId, SamplerOptions defaultSampling)
{
    /// <summary>Where a whole <see cref="GenerationOptions"/> may stand among the additional properties.</summary>
    private const string Key = nameof(GenerationOptions);

    /// <summary>Reads how to answer.</summary>
    /// <exception cref="ArgumentException">An option's value makes no sense.</exception>
    /// <exception cref="NotSupportedException">An option asks for what there is not.</exception>
    public GenerationOptions Read(ChatOptions? options)
    {
        if (options is null) return GenerationOptions.Default;
        Refuse(options);
        GenerationOptions basis = Basis(options);
        SamplerOptions sampling = basis.Sampling ?? defaultSampling;
        GenerationOptions read = basis with
        {
            SystemPrompt = options.Instructions is { Length: > 0 } instructions ? instructions : basis.SystemPrompt,
            MaxTokens = options.MaxOutputTokens ?? basis.MaxTokens,
            StopStrings = options.StopSequences is { } stops ? [.. stops] : basis.StopStrings,
            Sampling = sampling with
            {
                Temperature = options.Temperature ?? sampling.Temperature,
                TopP = options.TopP ?? sampling.TopP,
                TopK = options.TopK ?? sampling.TopK,
                FrequencyPenalty = options.FrequencyPenalty ?? sampling.FrequencyPenalty,
                PresencePenalty = options.PresencePenalty ?? sampling.PresencePenalty,
                Seed = options.Seed is { } seed ? unchecked((uint)(seed ^ (seed >> 32))) : sampling.Seed,
            },
        };
        return options.ResponseFormat switch
        {
            null => read,
            ChatResponseFormatText => read with { Grammar = null, JsonSchema = null },
            ChatResponseFormatJson json => read with { Grammar = null, JsonSchema = json.Schema?.GetRawText() ?? """{"type":"object"}""" },
            var other => throw new NotSupportedException($"ChatOptions.ResponseFormat: {other.GetType().Name} is not known"),
        };
    }

    /// <summary>Refuses the name of another model.</summary>
    /// <exception cref="ArgumentException">It is another model's.</exception>
    public static void CheckModel(string? asked, string modelId, string option)
    {
        if (asked is not null && asked != modelId)
            throw new ArgumentException($"{option} is '{asked}', but this is the client of one model, '{modelId}': leave it out");
    }

    private void Refuse(ChatOptions options)
    {
        CheckModel(options.ModelId, modelId, "ChatOptions.ModelId");
        if (options.ConversationId is not null)
            throw new NotSupportedException("ChatOptions.ConversationId: conversations are not kept, each request carries all its messages");
        if (options.ContinuationToken is not null)
            throw new NotSupportedException("ChatOptions.ContinuationToken: answers are not made in the background, there is none to go on with");
        if (options.MaxOutputTokens is <= 0)
            throw new ArgumentException($"ChatOptions.MaxOutputTokens is {options.MaxOutputTokens}, expected at least 1");
        if (options.StopSequences?.Any(string.IsNullOrEmpty) ?? false)
            throw new ArgumentException("ChatOptions.StopSequences has an entry without text");
        if (options.Reasoning?.Output is ReasoningOutput.Summary)
            throw new NotSupportedException("ChatOptions.Reasoning.Output: thoughts are not summed up; they come in full or not at all");
        foreach (string name in options.AdditionalProperties?.Keys ?? [])
        {
            if (name != Key && IsOwn(name))
            {
                    throw new ArgumentException(
                        $"ChatOptions.AdditionalProperties[\"{name}\"]: such options go into AdditionalProperties[\"{Key}\"], as a {Key}");
            }
        }
    }

    /// <summary>A whole set of options that the request brings along, over which the others are laid.</summary>
    private GenerationOptions Basis(ChatOptions options)
    {
        object? property = null, raw = options.RawRepresentationFactory?.Invoke(client);
        options.AdditionalProperties?.TryGetValue(Key, out property);
        if (raw is not null && property is not null)
            throw new ArgumentException($"ChatOptions.RawRepresentationFactory and AdditionalProperties[\"{Key}\"] both give options: one is enough");
        GenerationOptions basis = Typed(raw, "ChatOptions.RawRepresentationFactory") ?? Typed(property, $"ChatOptions.AdditionalProperties[\"{Key}\"]")
            ?? GenerationOptions.Default;
        return basis.Raw ? throw new ArgumentException($"{Key}.Raw: a chat client's prompts are made of messages") : basis;
    }

    private static GenerationOptions? Typed(object? value, string option) => value switch
    {
        null => null,
        GenerationOptions options => options,
        _ => throw new ArgumentException($"{option} is a {value.GetType().Name}, expected a {Key}"),
    };

    /// <summary>
    /// Whether a name is that of an option of this library, in any spelling (<c>MinP</c>, <c>min_p</c>). Other names belong to those who put
    /// them there: middleware keeps its own things among the additional properties.
    /// </summary>
    private static bool IsOwn(string name) => OwnNames.Contains(name.Replace("_", "", StringComparison.Ordinal));

    private static readonly HashSet<string> OwnNames = new(StringComparer.OrdinalIgnoreCase)
    {
        nameof(GenerationOptions), nameof(GenerationOptions.MaxTokens), nameof(GenerationOptions.Sampling), nameof(GenerationOptions.StopStrings),
        nameof(GenerationOptions.SystemPrompt), nameof(GenerationOptions.Raw), nameof(GenerationOptions.Grammar),
        nameof(GenerationOptions.JsonSchema), nameof(GenerationOptions.TokenConstraint),
        nameof(GenerationOptions.LogProbabilities), nameof(GenerationOptions.Thinking),
        nameof(GenerationOptions.TemplateVariables), nameof(GenerationOptions.ImageProgress), nameof(SamplerOptions),
        nameof(SamplerOptions.Temperature), nameof(SamplerOptions.DynamicTemperatureRange), nameof(SamplerOptions.DynamicTemperatureExponent),
        nameof(SamplerOptions.TopK), nameof(SamplerOptions.TopP), nameof(SamplerOptions.MinP), nameof(SamplerOptions.TypicalP),
        nameof(SamplerOptions.TopNSigma), nameof(SamplerOptions.XtcProbability), nameof(SamplerOptions.XtcThreshold), nameof(SamplerOptions.MinKeep),
        nameof(SamplerOptions.RepeatPenalty), nameof(SamplerOptions.FrequencyPenalty), nameof(SamplerOptions.PresencePenalty),
        nameof(SamplerOptions.PenaltyLastN), nameof(SamplerOptions.DryMultiplier), nameof(SamplerOptions.DryBase),
        nameof(SamplerOptions.DryAllowedLength), nameof(SamplerOptions.DryLastN), nameof(SamplerOptions.DrySequenceBreakers),
        nameof(SamplerOptions.Mirostat), nameof(SamplerOptions.MirostatTau), nameof(SamplerOptions.MirostatEta),
        nameof(SamplerOptions.AdaptiveTarget), nameof(SamplerOptions.AdaptiveDecay), nameof(SamplerOptions.LogitBias),
        nameof(SamplerOptions.IgnoreEndOfGeneration), nameof(SamplerOptions.Order), nameof(SamplerOptions.Seed), nameof(SamplerOptions.ContextLength),
    };
}
