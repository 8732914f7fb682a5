namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Functionary 3.1: a tag that holds the name, and JSON behind it.</summary>
internal static class FunctionaryTagged
{
    public static ToolForm Form { get; } = new()
    {
        Name = "functionary-3.1",
        Signs = [["<function="]],
        Openers = [""],
        Beginnings = ["<function="],
        Syntax = new NamedJsonCall { Before = "<function=", Between = ">", After = ["</function>"] },
    };
}
