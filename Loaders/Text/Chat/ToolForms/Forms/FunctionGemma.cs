namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>FunctionGemma, a Gemma 3: bare keys, strings between special tokens.</summary>
internal static class FunctionGemma
{
    public static ToolForm Form { get; } = new()
    {
        Name = "functiongemma",
        Signs = [["<start_function_call>"]],
        Openers = ["<start_function_call>"],
        Closer = "<end_function_call>",
        RepeatsOpener = true,
        Syntax = new BareKeyCall { Quote = "<escape>" },
    };
}
