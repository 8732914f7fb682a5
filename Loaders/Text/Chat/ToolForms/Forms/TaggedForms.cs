namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Forms with a tag for every argument.</summary>
internal static class TaggedForms
{
    /// <summary>GLM-4.5: the name, then a tag for each key and each value.</summary>
    public static ToolForm Glm45 { get; } = new()
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

    /// <summary>MiniCPM 5: XML with attributes; texts that XML would misread are in CDATA.</summary>
    public static ToolForm MiniCpm5 { get; } = new()
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

    /// <summary>Qwen3-Coder, Qwen3.5: tags for the function and for each parameter.</summary>
    public static ToolForm QwenCoder { get; } = new()
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

    /// <summary>Seed-OSS: the tags of Qwen3-Coder in tags of its own.</summary>
    public static ToolForm SeedOss { get; } = new()
    {
        Name = "seed-oss",
        Signs = [["<seed:tool_call>"]],
        Openers = ["<seed:tool_call>"],
        Closer = "</seed:tool_call>",
        Margin = "\n",
        Separator = "\n",
        Syntax = new TaggedCall
        {
            Before = "<function=", AfterName = ">",
                KeyOpener = "<parameter=", KeyCloser = ">", ValueCloser = "</parameter>", After = "</function>",
            Margin = "\n",
        },
    };
}
