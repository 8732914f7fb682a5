namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Every form in which tool calls are understood.</summary>
internal static class KnownToolForms
{
    /// <summary>
    /// All forms. Where a template shows the signs of several, the first one here is meant: the special before the general.
    /// </summary>
    public static IReadOnlyList<ToolForm> All { get; } =
    [
        TaggedForms.QwenCoder, TaggedForms.SeedOss, TaggedForms.Glm45, TaggedForms.MiniCpm5, PythonForms.MiniCpm4,
        PythonForms.Lfm2, JsonForms.Phi4Mini, JsonForms.Granite, NamedJsonForms.MistralNamed, JsonForms.Mistral,
        NamedJsonForms.DeepSeekR1, NamedJsonForms.DeepSeekV31, NamedJsonForms.KimiK2, JsonForms.InternLm2,
        BareKeyForms.FunctionGemma, BareKeyForms.Gemma4, JsonForms.Nemotron, PythonForms.Pythonic,
        NamedJsonForms.FunctionaryRecipient, NamedJsonForms.FunctionaryTagged, JsonForms.Hermes, NamedJsonForms.Glm4,
        JsonForms.Llama3, PythonForms.Llama3BuiltIn, JsonForms.BareJson,
    ];

    /// <summary>What a model writes that was told to: for templates that know no tools.</summary>
    public static ToolForm Generic => JsonForms.Hermes;

    /// <summary>The form that a template, or a list of special tokens, shows; null if it shows none.</summary>
    /// <param name="text">The template's text, or the texts of the tokens.</param>
    public static ToolForm? Recognise(string text) => All.FirstOrDefault(form => form.IsShownBy(text));
}
