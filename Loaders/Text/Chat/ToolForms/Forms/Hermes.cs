namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// Hermes, Qwen 2.5 and 3, SmolLM3, Granite 4, MiMo: one JSON object in tags for each call. Also what models without a form of their own
/// are told to write.
/// </summary>
internal static class Hermes
{
    public static ToolForm Form { get; } = new()
    {
        Name = "hermes",
        Signs = [["<tool_call>"]],
        Openers = ["<tool_call>"],
        Closer = "</tool_call>",
        Margin = "\n",
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new JsonCalls(),
    };
}
