namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Llama 4, ToolACE: the whole answer is a list of Python calls.</summary>
internal static class Pythonic
{
    public static ToolForm Form { get; } = new()
    {
        Name = "pythonic",
        Signs = [["[func_name1("]],
        OnlyIfShown = true,
        Openers = ["", "<|python_start|>"],
        Closer = "<|python_end|>",
        Syntax = new PythonCalls(),
    };
}
