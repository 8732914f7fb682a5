namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>MiniCPM 3 and 4: a block of Python between special tokens.</summary>
internal static class MiniCpm4
{
    public static ToolForm Form { get; } = new()
    {
        Name = "minicpm4",
        Signs = [["<|tool_call_start|>", "```python"]],
        Openers = ["<|tool_call_start|>"],
        Closer = "<|tool_call_end|>",
        Margin = "\n",
        Syntax = new PythonCalls { Opener = "```python\n", Closer = "\n```", Separator = "\n" },
    };
}
