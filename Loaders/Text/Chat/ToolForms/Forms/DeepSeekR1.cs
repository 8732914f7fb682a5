namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>DeepSeek V3, R1 and its distillations: type and name, then JSON in a code block, all between special tokens.</summary>
internal static class DeepSeekR1
{
    public static ToolForm Form { get; } = new()
    {
        Name = "deepseek-r1",
        Signs = [["<｜tool▁calls▁begin｜>", "```json"]],
        Openers = ["<｜tool▁calls▁begin｜>"],
        Beginnings = ["<｜tool▁call▁begin｜>"],
        Closer = "<｜tool▁calls▁end｜>",
        Separator = "\n",
        Syntax = new NamedJsonCall
        {
            Before = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", Between = "\n```json\n", After = ["\n```", "<｜tool▁call▁end｜>"],
        },
    };
}
