namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Llama-Nemotron: a list of JSON calls in tags.</summary>
internal static class Nemotron
{
    public static ToolForm Form { get; } = new()
    {
        Name = "nemotron",
        Signs = [["<TOOLCALL>"]],
        Openers = ["<TOOLCALL>"],
        Closer = "</TOOLCALL>",
        Syntax = new JsonCalls { List = true },
    };
}
