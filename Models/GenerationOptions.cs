using TinyMllm.Engine.Sampling;

namespace TinyMllm;

/// <summary>How an answer is made.</summary>
public sealed record GenerationOptions
{
    /// <summary>The defaults: the likeliest token each time, 512 tokens at most.</summary>
    public static GenerationOptions Default { get; } = new();

    /// <summary>Most tokens of an answer.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>How tokens are chosen; <see cref="SamplerOptions.Greedy"/> unless set.</summary>
    public SamplerOptions Sampling { get; init; } = SamplerOptions.Greedy;

    /// <summary>Texts that end the answer; neither they nor a part of them is ever delivered.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>What the system turn says, or null for none (or the template's own).</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>
    /// Takes the prompt as it stands instead of rendering the chat template: special tokens are parsed, <c>&lt;__media__&gt;</c> marks
    /// where each picture goes.
    /// </summary>
    public bool Raw { get; init; }

    /// <summary>A GBNF grammar that the answer must follow, or null.</summary>
    public string? Grammar { get; init; }

    /// <summary>A JSON schema that the answer must follow, or null; <c>{}</c> asks for any JSON.</summary>
    public string? JsonSchema { get; init; }

    /// <summary>How many likeliest alternatives to report for each token; null reports no log-probabilities at all, 0 only that of the
    /// chosen token.</summary>
    public int? LogProbabilities { get; init; }
}
