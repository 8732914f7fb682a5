using TinyMllm.Engine.Sampling;
using TinyMllm.Generation;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm;

/// <summary>How an answer is made.</summary>
public sealed record GenerationOptions
{
    /// <summary>The defaults: 512 tokens at most, chosen as the model's author recommends, else the likeliest each time.</summary>
    public static GenerationOptions Default { get; } = new();

    /// <summary>Most tokens of an answer; 0 reads the prompt and answers nothing.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>
    /// How tokens are chosen; null: as the model's file recommends (<see cref="VisionLanguageModel.DefaultSampling"/>), which for most files
    /// is the likeliest each time. <see cref="SamplerOptions.Greedy"/> gives the same answer every time, whatever the file says.
    /// </summary>
    public SamplerOptions? Sampling { get; init; }

    /// <summary>Texts that end the answer; neither they nor a part of them is ever delivered.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>What the system turn says, or null for none (or the template's own).</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>
    /// Takes the prompt as it stands instead of rendering the chat template: special tokens are parsed, <c>&lt;__media__&gt;</c> marks
    /// where each picture goes.
    /// </summary>
    public bool Raw { get; init; }

    /// <summary>
    /// Whether a model that can think does so before it answers; null leaves it to the model's template, most of which let it think. What it
    /// thinks is <see cref="GenerationResult.Reasoning"/> and no part of the text. Models that cannot think are not touched.
    /// </summary>
    public bool? Thinking { get; init; }

    /// <summary>
    /// Further variables for the model's chat template, by name: texts, truth values, numbers, null, lists and dictionaries of these, or
    /// <see cref="System.Text.Json.JsonElement"/>s. They win over the variables of this library.
    /// </summary>
    public IReadOnlyDictionary<string, object?> TemplateVariables { get; init; } = new Dictionary<string, object?>();

    /// <summary>
    /// A GBNF grammar that the answer must follow, or null. A model that thinks before it answers does so freely, for half of
    /// <see cref="MaxTokens"/> at most; what comes behind its thoughts follows the grammar.
    /// </summary>
    public string? Grammar { get; init; }

    /// <summary>A JSON schema that the answer must follow, or null; <c>{}</c> asks for any JSON. Thoughts come before it, as with
    /// <see cref="Grammar"/>.</summary>
    public string? JsonSchema { get; init; }

    /// <summary>A GBNF grammar that the answer may follow instead of <see cref="JsonSchema"/>, or null.</summary>
    internal string? OrGrammar { get; init; }

    /// <summary>
    /// Makes a constraint of your own for each answer, out of the model's vocabulary; null: none. Every token of the answer passes through
    /// it, thoughts included, beside <see cref="Grammar"/> or <see cref="JsonSchema"/> if they are set. It is called on the thread that
    /// generates.
    /// </summary>
    public Func<IVocabulary, ITokenConstraint>? TokenConstraint { get; init; }

    /// <summary>How many likeliest alternatives to report for each token; null reports no log-probabilities at all, 0 only that of the
    /// chosen token.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>
    /// Told how far the encoding of the prompt's pictures has come, on the thread that encodes; null tells nobody. A large picture can take
    /// longer than its answer.
    /// </summary>
    public IProgress<ImageProgress>? ImageProgress { get; init; }

    /// <summary>What the template is told of these options.</summary>
    internal ChatRenderOptions Rendering() => new() { EnableThinking = Thinking, Variables = TemplateValues.Of(TemplateVariables) };

    /// <summary>Checks the values; every request does it before it begins.</summary>
    /// <exception cref="ArgumentException">A number is negative, a list or text is null, a template variable is of a type that templates do
    /// not have, or a sampling option is out of range; the message names the option.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MaxTokens);
        if (LogProbabilities is { } count) ArgumentOutOfRangeException.ThrowIfNegative(count, nameof(LogProbabilities));
        ArgumentNullException.ThrowIfNull(StopStrings);
        if (StopStrings.Contains(null!)) throw new ArgumentException("a stop string is null", nameof(StopStrings));
        ArgumentNullException.ThrowIfNull(TemplateVariables);
        Sampling?.Validate();
        _ = Rendering();
    }
}
