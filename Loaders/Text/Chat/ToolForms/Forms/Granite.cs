namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Granite 3: a list of JSON calls behind a special token, to the end of the turn.</summary>
internal static class Granite
{
    public static ToolForm Form { get; } = new()
    {
        Name = "granite",
        Signs = [["<|tool_call|>"]],
        Openers = ["<|tool_call|>"],
        Syntax = new JsonCalls { List = true },
    };
}
