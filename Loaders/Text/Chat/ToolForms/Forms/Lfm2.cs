namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>LFM2: a list of Python calls between special tokens. Some of its templates do not name the tokens.</summary>
internal static class Lfm2
{
    public static ToolForm Form { get; } = new()
    {
        Name = "lfm2",
        Signs = [["<|tool_call_start|>"], ["List of tools: ["], ["List of tools: <|tool_list_start|>"]],
        Openers = ["<|tool_call_start|>"],
        Closer = "<|tool_call_end|>",
        Syntax = new PythonCalls(),
    };
}
