namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Functionary 3.2: every part of an answer says whom it is for, a tool or all.</summary>
internal static class FunctionaryRecipient
{
    public static ToolForm Form { get; } = new()
    {
        Name = "functionary-3.2",
        Signs = [[">>>"]],
        OnlyIfShown = true,
        Openers = ["", ">>>"],
        Separator = ">>>",
        TextOpener = "all\n",
        Syntax = new NamedJsonCall { Between = "\n" },
    };
}
