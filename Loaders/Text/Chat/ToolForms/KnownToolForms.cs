namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Every form in which tool calls are understood.</summary>
internal static class KnownToolForms
{
    /// <summary>
    /// All forms. Where a template shows the signs of several, the first one here is meant: the special before the general.
    /// </summary>
    public static IReadOnlyList<ToolForm> All { get; } =
    [
        QwenCoder.Form, SeedOss.Form, Glm45.Form, MiniCpm5.Form, MiniCpm4.Form, Lfm2.Form, Phi4Mini.Form, Granite.Form,
            MistralNamed.Form, Mistral.Form,
        DeepSeekR1.Form, DeepSeekV31.Form, KimiK2.Form, InternLm2.Form, FunctionGemma.Form, Gemma4.Form, Nemotron.Form, Pythonic.Form,
        FunctionaryRecipient.Form, FunctionaryTagged.Form, Hermes.Form, Glm4.Form, Llama3.Form, Llama3BuiltIn.Form, BareJson.Form,
    ];

    /// <summary>What a model writes that was told to: for templates that know no tools.</summary>
    public static ToolForm Generic => Hermes.Form;

    /// <summary>The form that a template, or a list of special tokens, shows; null if it shows none.</summary>
    /// <param name="text">The template's text, or the texts of the tokens.</param>
    public static ToolForm? Recognise(string text) => All.FirstOrDefault(form => form.IsShownBy(text));
}
