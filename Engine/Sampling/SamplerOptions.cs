namespace TinyMllm.Engine.Sampling;

/// <summary>
/// How the next token is chosen from the logits. The defaults are llama.cpp's; <see cref="Greedy"/> always takes the best.
/// Every stage is off at the value its documentation names.
/// </summary>
public sealed record SamplerOptions
{
    /// <summary>Always the most likely token.</summary>
    public static SamplerOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Divides the logits; at 0 or below the most likely token is taken.</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Half width of the range in which the temperature follows the entropy; 0: fixed temperature.</summary>
    public float DynamicTemperatureRange { get; init; }

    /// <summary>Exponent on the normalised entropy of the dynamic temperature.</summary>
    public float DynamicTemperatureExponent { get; init; } = 1;

    /// <summary>Keep this many best tokens; 0 or below: all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Keep the most likely tokens up to this total probability; 1: off.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Keep tokens at least this share as likely as the best; 0: off.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Locally typical sampling: total probability that is kept; 1: off.</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>Cut logits this many standard deviations below the best; 0 or below: off.</summary>
    public float TopNSigma { get; init; } = -1;

    /// <summary>Chance that top choices are excluded at a position; 0: off.</summary>
    public float XtcProbability { get; init; }

    /// <summary>What counts as a top choice; above 0.5: off.</summary>
    public float XtcThreshold { get; init; } = 0.1f;

    /// <summary>Fewest candidates that typical, top-p, min-p and XTC leave.</summary>
    public int MinKeep { get; init; }

    /// <summary>Divides (or multiplies, when negative) the logits of recent tokens; 1: off.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>Taken off a recent token's logit once per occurrence; 0: off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken off a recent token's logit once; 0: off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many tokens back the penalties look; 0: off, -1: <see cref="ContextLength"/>.</summary>
    public int PenaltyLastN { get; init; } = 64;

    /// <summary>Strength of the DRY penalty; 0: off.</summary>
    public float DryMultiplier { get; init; }

    /// <summary>Growth of the DRY penalty per repeated token; below 1: off.</summary>
    public float DryBase { get; init; } = 1.75f;

    /// <summary>Repeated runs shorter than this are free.</summary>
    public int DryAllowedLength { get; init; } = 2;

    /// <summary>How many tokens back DRY looks; 0: off, -1: <see cref="ContextLength"/>.</summary>
    public int DryLastN { get; init; } = -1;

    /// <summary>Texts that end a repeated run for DRY.</summary>
    public IReadOnlyList<string> DrySequenceBreakers { get; init; } = ["\n", ":", "\"", "*"];

    /// <summary>0: off; 1 or 2: that version of mirostat, which then replaces every stage but bias and temperature.</summary>
    public int Mirostat { get; init; }

    /// <summary>Surprise that mirostat aims at, in bits.</summary>
    public float MirostatTau { get; init; } = 5;

    /// <summary>Learning rate of mirostat.</summary>
    public float MirostatEta { get; init; } = 0.1f;

    /// <summary>Probability that adaptive-p aims at; below 0: a plain draw.</summary>
    public float AdaptiveTarget { get; init; } = -1;

    /// <summary>How slowly adaptive-p forgets, 0 to 0.99.</summary>
    public float AdaptiveDecay { get; init; } = 0.9f;

    /// <summary>Added to the logits of single tokens; negative infinity forbids one.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Never choose a token that ends the answer.</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Order of the stages; see <see cref="SamplerOrder.Parse"/>.</summary>
    public IReadOnlyList<SamplerStageKind> Order { get; init; } = SamplerOrder.Default;

    /// <summary>Seed of the random numbers; null: a new one each time.</summary>
    public uint? Seed { get; init; }

    /// <summary>What -1 means for <see cref="PenaltyLastN"/> and <see cref="DryLastN"/>, in tokens.</summary>
    public int ContextLength { get; init; } = 4096;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is not a number or outside its range; the message names the option.</exception>
    public void Validate()
    {
        Finite(Temperature, nameof(Temperature));
        Finite(TopNSigma, nameof(TopNSigma));
        AtLeast(DynamicTemperatureRange, 0, nameof(DynamicTemperatureRange));
        AtLeast(DynamicTemperatureExponent, 0, nameof(DynamicTemperatureExponent));
        Between(TopP, 0, 1, nameof(TopP));
        Between(MinP, 0, 1, nameof(MinP));
        Between(TypicalP, 0, 1, nameof(TypicalP));
        Between(XtcProbability, 0, 1, nameof(XtcProbability));
        AtLeast(XtcThreshold, 0, nameof(XtcThreshold));
        AtLeast(MinKeep, 0, nameof(MinKeep));
        if (!(RepeatPenalty > 0) || !float.IsFinite(RepeatPenalty)) throw Bad(nameof(RepeatPenalty), RepeatPenalty, "a positive number");
        Finite(FrequencyPenalty, nameof(FrequencyPenalty));
        Finite(PresencePenalty, nameof(PresencePenalty));
        Between(PenaltyLastN, -1, MaximumWindow, nameof(PenaltyLastN));
        Finite(DryMultiplier, nameof(DryMultiplier));
        Finite(DryBase, nameof(DryBase));
        AtLeast(DryAllowedLength, 0, nameof(DryAllowedLength));
        Between(DryLastN, -1, MaximumWindow, nameof(DryLastN));
        Between(Mirostat, 0, 2, nameof(Mirostat));
        AtLeast(MirostatTau, 0, nameof(MirostatTau));
        AtLeast(MirostatEta, 0, nameof(MirostatEta));
        if (!(AdaptiveTarget <= 1)) throw Bad(nameof(AdaptiveTarget), AdaptiveTarget, "at most 1");
        Between(AdaptiveDecay, 0, 0.99f, nameof(AdaptiveDecay));
        Between(ContextLength, 1, MaximumWindow, nameof(ContextLength));
        ArgumentNullException.ThrowIfNull(DrySequenceBreakers);
        ArgumentNullException.ThrowIfNull(LogitBias);
        ArgumentNullException.ThrowIfNull(Order);
        if (DrySequenceBreakers.Contains(null!)) throw Bad(nameof(DrySequenceBreakers), "holds null");
        foreach (SamplerStageKind kind in Order)
        {
            if (!Enum.IsDefined(kind)) throw Bad(nameof(Order), $"holds {kind}, which is no stage");
            if (Order.Count(other => other == kind) > 1) throw Bad(nameof(Order), $"holds {kind} twice");
        }

        foreach (var (token, bias) in LogitBias)
        {
            if (token < 0) throw Bad(nameof(LogitBias), $"names token {token}");
            if (float.IsNaN(bias) || float.IsPositiveInfinity(bias)) throw Bad($"{nameof(LogitBias)}[{token}]", bias, "a number or -infinity");
        }
    }

    private const int MaximumWindow = 1 << 24;

    private static void Finite(float value, string name)
    {
        if (!float.IsFinite(value)) throw Bad(name, value, "a finite number");
    }

    private static void AtLeast(float value, float low, string name)
    {
        if (!(value >= low) || float.IsInfinity(value)) throw Bad(name, value, $"at least {low}");
    }

    private static void Between(float value, float low, float high, string name)
    {
        if (!(value >= low && value <= high)) throw Bad(name, value, $"{low} to {high}");
    }

    private static ArgumentException Bad(string name, float value, string expected) =>
        Bad(name, FormattableString.Invariant($"is {value}, expected {expected}"));

    private static ArgumentException Bad(string name, string problem) => new($"sampling option {name} {problem}", name);
}
