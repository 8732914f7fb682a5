namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>MiniCPM 5: XML with attributes; texts that XML would misread are in CDATA.</summary>
internal static class MiniCpm5
{
    public static ToolForm Form { get; } = new()
    {
        Name = "minicpm5",
        Signs = [["<function name="]],
        Openers = [""],
        Beginnings = ["<function name=\""],
        Separator = "\n",
        Syntax = new TaggedCall
        {
            Before = "<function name=\"", AfterName = "\">",
                KeyOpener = "<param name=\"", KeyCloser = "\">", ValueCloser = "</param>", After = "</function>",
        },
    };
}
