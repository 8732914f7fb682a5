namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Seed-OSS: the tags of Qwen3-Coder in tags of its own.</summary>
internal static class SeedOss
{
    public static ToolForm Form { get; } = new()
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
