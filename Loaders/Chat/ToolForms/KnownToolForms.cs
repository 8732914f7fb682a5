namespace TinyMllm.Loaders.Chat.ToolForms;

/// <summary>Every form in which tool calls are understood.</summary>
internal static class KnownToolForms
{
    /// <summary>All forms. Where a template shows the signs of several, the first one here is meant: the special before the general.</summary>
    public static IReadOnlyList<ToolForm> All { get; } =
    [
        QwenCoder.Form, SeedOss.Form, Glm45.Form, MiniCpm5.Form, MiniCpm4.Form, Lfm2.Form, Phi4Mini.Form, Granite.Form, MistralNamed.Form, Mistral.Form,
        DeepSeekR1.Form, DeepSeekV31.Form, KimiK2.Form, InternLm2.Form, FunctionGemma.Form, Gemma4.Form, Nemotron.Form, Pythonic.Form,
        FunctionaryRecipient.Form, FunctionaryTagged.Form, Hermes.Form, Glm4.Form, Llama3.Form, Llama3BuiltIn.Form, BareJson.Form,
    ];

    /// <summary>What a model writes that was told to: for templates that know no tools.</summary>
    public static ToolForm Generic => Hermes.Form;

    /// <summary>The form that a template shows, else the one that the special tokens show; null if they show none.</summary>
    /// <param name="template">The template's text.</param>
    /// <param name="specialTokens">The texts of special tokens.</param>
    public static ToolForm? Recognise(string template, IEnumerable<string> specialTokens)
    {
        if (All.FirstOrDefault(form => form.IsShownBy(template)) is { } shown) return shown;
        string tokens = string.Join('\n', specialTokens);
        return All.FirstOrDefault(form => form.IsShownBy(tokens));
    }
}
