namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Mistral since Small 3.2, Magistral, Ministral 3: the name and the arguments of each call behind special tokens.</summary>
internal static class MistralNamed
{
    public static ToolForm Form { get; } = new()
    {
        Name = "mistral-named",
        Signs = [["[TOOL_CALLS]", "[ARGS]"]],
        Openers = ["[TOOL_CALLS]"],
        RepeatsOpener = true,
        Syntax = new NamedJsonCall { Between = "[ARGS]", IdOpener = "[CALL_ID]" },
    };
}
