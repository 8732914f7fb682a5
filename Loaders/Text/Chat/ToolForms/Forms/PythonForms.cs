namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Forms that look like calls in Python.</summary>
internal static class PythonForms
{
    /// <summary>LFM2: a list of Python calls between special tokens. Some of its templates do not name the tokens.</summary>
    public static ToolForm Lfm2 { get; } = new()
    {
        Name = "lfm2",
        Signs = [["<|tool_call_start|>"], ["List of tools: ["], ["List of tools: <|tool_list_start|>"]],
        Openers = ["<|tool_call_start|>"],
        Closer = "<|tool_call_end|>",
        Syntax = new PythonCalls(),
    };

    /// <summary>Llama 3 and the tools it was trained with: a Python call behind a special token.</summary>
    public static ToolForm Llama3BuiltIn { get; } = new()
    {
        Name = "llama3-builtin",
        Signs = [],
        Openers = ["<|python_tag|>"],
        Syntax = new PythonCalls { Opener = "", Closer = "", Suffix = ".call" },
    };

    /// <summary>MiniCPM 3 and 4: a block of Python between special tokens.</summary>
    public static ToolForm MiniCpm4 { get; } = new()
    {
        Name = "minicpm4",
        Signs = [["<|tool_call_start|>", "```python"]],
        Openers = ["<|tool_call_start|>"],
        Closer = "<|tool_call_end|>",
        Margin = "\n",
        Syntax = new PythonCalls { Opener = "```python\n", Closer = "\n```", Separator = "\n" },
    };

    /// <summary>Llama 4, ToolACE: the whole answer is a list of Python calls.</summary>
    public static ToolForm Pythonic { get; } = new()
    {
        Name = "pythonic",
        Signs = [["[func_name1("]],
        OnlyIfShown = true,
        Openers = ["", "<|python_start|>"],
        Closer = "<|python_end|>",
        Syntax = new PythonCalls(),
    };
}
