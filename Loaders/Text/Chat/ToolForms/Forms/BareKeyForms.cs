namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Forms of JSON whose keys have no quotes.</summary>
internal static class BareKeyForms
{
    /// <summary>FunctionGemma, a Gemma 3: bare keys, strings between special tokens.</summary>
    public static ToolForm FunctionGemma { get; } = new()
    {
        Name = "functiongemma",
        Signs = [["<start_function_call>"]],
        Openers = ["<start_function_call>"],
        Closer = "<end_function_call>",
        RepeatsOpener = true,
        Syntax = new BareKeyCall { Quote = "<escape>" },
    };

    /// <summary>Gemma 4: bare keys, strings between special tokens.</summary>
    public static ToolForm Gemma4 { get; } = new()
    {
        Name = "gemma4",
        Signs = [["<|tool_call>"]],
        Openers = ["<|tool_call>"],
        Closer = "<tool_call|>",
        RepeatsOpener = true,
        Syntax = new BareKeyCall { Quote = "<|\"|>" },
    };
}
