namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Kimi K2: numbered names, then JSON, all between special tokens.</summary>
internal static class KimiK2
{
    public static ToolForm Form { get; } = new()
    {
        Name = "kimi-k2",
        Signs = [["<|tool_calls_section_begin|>"], ["<|im_middle|>", "tool_declare"]],
        Openers = ["<|tool_calls_section_begin|>"],
        Beginnings = ["<|tool_call_begin|>"],
        Closer = "<|tool_calls_section_end|>",
        Syntax = new NamedJsonCall
        {
            Before = "<|tool_call_begin|>functions.",
                Between = "<|tool_call_argument_begin|>", After = ["<|tool_call_end|>"], Numbered = true,
        },
    };
}
