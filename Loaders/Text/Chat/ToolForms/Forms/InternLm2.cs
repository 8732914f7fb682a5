namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>InternLM 2: one JSON object behind special tokens.</summary>
internal static class InternLm2
{
    public static ToolForm Form { get; } = new()
    {
        Name = "internlm2",
        Signs = [["<|action_start|>"]],
        Openers = ["<|action_start|><|plugin|>"],
        Closer = "<|action_end|>",
        Margin = "\n",
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new JsonCalls { ArgumentsKey = "parameters" },
    };
}
