namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>DeepSeek V3.1: the name, then JSON, all between special tokens.</summary>
internal static class DeepSeekV31
{
    public static ToolForm Form { get; } = new()
    {
        Name = "deepseek-v3.1",
        Signs = [["<｜tool▁calls▁begin｜>"]],
        Openers = ["<｜tool▁calls▁begin｜>"],
        Beginnings = ["<｜tool▁call▁begin｜>"],
        Closer = "<｜tool▁calls▁end｜>",
        Syntax = new NamedJsonCall { Before = "<｜tool▁call▁begin｜>", Between = "<｜tool▁sep｜>", After = ["<｜tool▁call▁end｜>"] },
    };
}
