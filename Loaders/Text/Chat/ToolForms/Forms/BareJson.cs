namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>The whole answer is one JSON call or a list of them: xLAM, and many small models whatever they were told.</summary>
internal static class BareJson
{
    public static ToolForm Form { get; } = new()
    {
        Name = "json",
        Signs = [],
        Openers = [""],
        Syntax = new JsonCalls { List = true, NeedsArguments = true },
    };
}
