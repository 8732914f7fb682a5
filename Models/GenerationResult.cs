using TinyMllm.Engine.Sampling;

namespace TinyMllm;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model said that it was done.</summary>
    EndOfTurn,

    /// <summary>A stop string appeared.</summary>
    StopString,

    /// <summary><see cref="GenerationOptions.MaxTokens"/> were made.</summary>
    MaxTokens,

    /// <summary>The context is full.</summary>
    ContextFull,
}

/// <summary>What a request cost in tokens.</summary>
/// <param name="PromptTokens">Tokens of the prompt, those of pictures included.</param>
/// <param name="PictureTokens">Those of pictures.</param>
/// <param name="ReusedTokens">Those that were still in the cache from the last prompt.</param>
/// <param name="GeneratedTokens">Tokens of the answer.</param>
public readonly record struct GenerationUsage(int PromptTokens, int PictureTokens, int ReusedTokens, int GeneratedTokens);

/// <summary>What a request cost in time.</summary>
/// <param name="Pictures">Encoding of pictures that were not known yet.</param>
/// <param name="Prompt">Reading of the prompt.</param>
/// <param name="FirstToken">From the request to the first token, pictures and prompt included.</param>
/// <param name="Generation">From the first token to the last.</param>
public readonly record struct GenerationTimings(TimeSpan Pictures, TimeSpan Prompt, TimeSpan FirstToken, TimeSpan Generation);

/// <summary>One token of an answer, with what the model thought of it.</summary>
/// <param name="Token">Token id.</param>
/// <param name="LogProbability">Natural logarithm of its probability, before any sampling option changed it.</param>
/// <param name="Alternatives">The likeliest tokens at this place, best first; as many as asked for.</param>
public sealed record TokenScore(int Token, float LogProbability, IReadOnlyList<TokenLogProbability> Alternatives);

/// <summary>A piece of an answer as it is made. Printing it prints its text, without what the model thinks.</summary>
/// <param name="Text">Whole characters; empty in the last piece if nothing was held back.</param>
/// <param name="Scores">Log-probabilities of the tokens behind this piece, if they were asked for.</param>
/// <param name="Result">How it all went; in the last piece only.</param>
public readonly record struct GeneratedPiece(string Text, IReadOnlyList<TokenScore> Scores, GenerationResult? Result = null)
{
    private readonly string? _reasoning;

    /// <summary>What the model thinks before it answers; in pieces before the first one with text.</summary>
    public string Reasoning { get => _reasoning ?? ""; init => _reasoning = value.Length == 0 ? null : value; }

    /// <summary>The text.</summary>
    public override string ToString() => Text;
}

/// <summary>A complete answer.</summary>
/// <param name="Text">The whole text, without what the model thought.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="StopString">The stop string that appeared, or null.</param>
/// <param name="Usage">Tokens.</param>
/// <param name="Timings">Times.</param>
/// <param name="Scores">Log-probabilities of all tokens, if they were asked for.</param>
public sealed record GenerationResult(
    string Text, FinishReason FinishReason, string? StopString, GenerationUsage Usage, GenerationTimings Timings,
        IReadOnlyList<TokenScore> Scores)
{
    /// <summary>What the model thought before it answered; empty if it did not, or if the prompt was raw.</summary>
    public string Reasoning { get; init; } = "";

    /// <summary>Tokens per second after the first one; 0 for an answer of one token.</summary>
    public double TokensPerSecond =>
        Usage.GeneratedTokens > 1 && Timings.Generation > TimeSpan.Zero ? (Usage.GeneratedTokens - 1) / Timings.Generation.TotalSeconds : 0;

    /// <summary>The text.</summary>
    public override string ToString() => Text;
}
