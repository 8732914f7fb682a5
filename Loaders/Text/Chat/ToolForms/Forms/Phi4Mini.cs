namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Phi-4-mini: a list of JSON calls between special tokens, or one call; only the end distinguishes it from Granite.</summary>
internal static class Phi4Mini
{
    public static ToolForm Form { get; } = new()
    {
        Name = "phi-4-mini",
        Signs = [["<|tool_call|>", "<|/tool_call|>"], ["<|tool|>", "<|/tool|>"]],
        Openers = ["<|tool_call|>"],
        Closer = "<|/tool_call|>",
        Syntax = new JsonCalls { List = true },
    };
}
