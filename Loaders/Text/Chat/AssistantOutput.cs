namespace TinyMllm.Loaders.Text.Chat;

/// <summary>What a piece of an answer is.</summary>
public enum AssistantSegmentKind
{
    /// <summary>Text for the reader.</summary>
    Text,

    /// <summary>What the model thinks before it answers.</summary>
    Reasoning,

    /// <summary>A tool call.</summary>
    ToolCall,
}

/// <summary>A piece of an answer.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text; empty for tool calls.</param>
/// <param name="ToolCall">The tool call, if it is one.</param>
public readonly record struct AssistantSegment(AssistantSegmentKind Kind, string Text, ChatToolCall? ToolCall = null);

/// <summary>A whole answer, taken apart.</summary>
/// <param name="Text">The text for the reader.</param>
/// <param name="Reasoning">What the model thought; empty when it did not.</param>
/// <param name="ToolCalls">The tools it calls.</param>
public sealed record AssistantOutput(string Text, string Reasoning, IReadOnlyList<ChatToolCall> ToolCalls);
