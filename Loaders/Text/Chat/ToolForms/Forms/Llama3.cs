namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// Llama 3: the whole answer is one JSON object; its arguments are called parameters. A special token may stand before it.
/// </summary>
internal static class Llama3
{
    public static ToolForm Form { get; } = new()
    {
        Name = "llama3",
        Signs = [["<|python_tag|>"], ["Environment: ipython"], ["<|start_header_id|>", "\"parameters\""]],
        Openers = ["", "<|python_tag|>"],
        Separator = "; ",
        Syntax = new JsonCalls { ArgumentsKey = "parameters", NeedsArguments = true },
    };
}
