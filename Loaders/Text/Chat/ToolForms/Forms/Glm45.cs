namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>GLM-4.5: the name, then a tag for each key and each value.</summary>
internal static class Glm45
{
    public static ToolForm Form { get; } = new()
    {
        Name = "glm-4.5",
        Signs = [["<arg_key>"]],
        Openers = ["<tool_call>"],
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new TaggedCall
        {
            AfterName = "", KeyOpener = "<arg_key>", KeyCloser = "</arg_key>\n<arg_value>",
                ValueCloser = "</arg_value>", After = "</tool_call>", Margin = "\n",
        },
    };
}
