namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Llama 3 and the tools it was trained with: a Python call behind a special token.</summary>
internal static class Llama3BuiltIn
{
    public static ToolForm Form { get; } = new()
    {
        Name = "llama3-builtin",
        Signs = [],
        Openers = ["<|python_tag|>"],
        Syntax = new PythonCalls { Opener = "", Closer = "", Suffix = ".call" },
    };
}
