namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Qwen3-Coder, Qwen3.5: tags for the function and for each parameter.</summary>
internal static class QwenCoder
{
    public static ToolForm Form { get; } = new()
    {
        Name = "qwen3-coder",
        Signs = [["<tool_call>", "<function=", "<parameter="], ["<function=", "<parameter="]],
        Openers = ["<tool_call>"],
        Beginnings = ["<function="],
        Closer = "</tool_call>",
        Margin = "\n",
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new TaggedCall
        {
            Before = "<function=", AfterName = ">",
                KeyOpener = "<parameter=", KeyCloser = ">", ValueCloser = "</parameter>", After = "</function>",
            ValueMargin = "\n", Margin = "\n",
        },
    };
}
