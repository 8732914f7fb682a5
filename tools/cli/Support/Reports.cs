namespace TinyMllm.Cli.Support;

/// <summary>Lines about how an answer went.</summary>
internal static class Reports
{
    public static string Line(GenerationResult result)
    {
        (GenerationUsage usage, GenerationTimings times) = (result.Usage, result.Timings);
        int read = usage.PromptTokens - usage.ReusedTokens;
        string pictures = times.Pictures > TimeSpan.FromMilliseconds(0.5) ? $"pictures {Sizes.Time(times.Pictures)} | " : "";
        string reused = usage.ReusedTokens > 0 ? $" ({usage.ReusedTokens} more were known)" : "";
        string rate = result.TokensPerSecond > 0
            ? $" at {result.TokensPerSecond.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture)} tokens/s" : "";
        return $"{pictures}prompt {read} tokens{reused} in {Sizes.Time(times.Prompt)} ({Sizes.Rate(read, times.Prompt)} tokens/s) | "
            + $"first token after {Sizes.Time(times.FirstToken)} | {usage.GeneratedTokens} tokens{rate}{Reason(result)}";
    }

    /// <summary>Whether the answer ended before it began, because the model was still thinking.</summary>
    public static bool OnlyThought(GenerationResult result) =>
        result.FinishReason is FinishReason.MaxTokens or FinishReason.ContextFull && result.Text.Length == 0 && result.Reasoning.Length > 0;

    private static string Reason(GenerationResult result) => result.FinishReason switch
    {
        FinishReason.MaxTokens when OnlyThought(result) => " | stopped at -n tokens, still thinking (--no-think answers at once)",
        FinishReason.MaxTokens => " | stopped at -n tokens",
        FinishReason.ContextFull => " | stopped: the context is full (-c)",
        _ => "",
    };
}
