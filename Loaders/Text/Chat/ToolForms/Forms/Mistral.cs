namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Mistral until Small 3.1: a list of JSON calls behind a special token.</summary>
internal static class Mistral
{
    public static ToolForm Form { get; } = new()
    {
        Name = "mistral",
        Signs = [["[TOOL_CALLS]"]],
        Openers = ["[TOOL_CALLS]"],
        Syntax = new JsonCalls { List = true },
    };
}
