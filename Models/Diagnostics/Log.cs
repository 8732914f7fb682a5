using Microsoft.Extensions.Logging;

namespace TinyMllm.Diagnostics;

/// <summary>What is logged, in the category <c>TinyMllm.VisionLanguageModel</c>; neither prompts nor answers are.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loaded {Model} ({Architecture}, {Weights} weights, context {Context}, kernels {Isa})")]
    public static partial void Loaded(ILogger logger, string model, string architecture, long weights, int context, string isa);

    [LoggerMessage(2, LogLevel.Warning, "{Warning}")]
    public static partial void FileWarning(ILogger logger, string warning);

    [LoggerMessage(3, LogLevel.Debug, "Answered {Tokens} tokens after a prompt of {PromptTokens} ({ReusedTokens} cached), first after {FirstToken}: {Reason}")]
    public static partial void Answered(
        ILogger logger, int tokens, int promptTokens, int reusedTokens, TimeSpan firstToken, FinishReason reason);

    [LoggerMessage(4, LogLevel.Debug, "The request ended early")]
    public static partial void Failed(ILogger logger, Exception failure);

    [LoggerMessage(5, LogLevel.Information, "Disposed {Model}")]
    public static partial void Disposed(ILogger logger, string model);
}
