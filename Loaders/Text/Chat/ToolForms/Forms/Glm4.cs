namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>GLM-4: the whole answer is a name and, on the next line, its arguments.</summary>
internal static class Glm4
{
    public static ToolForm Form { get; } = new()
    {
        Name = "glm-4",
        Signs = [["[gMASK]<sop>", "tools"], ["<|observation|>"]],
        OnlyIfShown = true,
        Openers = [""],
        Separator = "\n",
        Syntax = new NamedJsonCall { Between = "\n" },
    };
}
