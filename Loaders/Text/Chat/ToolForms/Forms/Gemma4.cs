namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Gemma 4: bare keys, strings between special tokens.</summary>
internal static class Gemma4
{
    public static ToolForm Form { get; } = new()
    {
        Name = "gemma4",
        Signs = [["<|tool_call>"]],
        Openers = ["<|tool_call>"],
        Closer = "<tool_call|>",
        RepeatsOpener = true,
        Syntax = new BareKeyCall { Quote = "<|\"|>" },
    };
}
