using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Cli.Support;

/// <summary>What there is to say about a model file's chat template.</summary>
internal static class TemplateReport
{
    private const string Key = "tokenizer.chat_template";

    /// <summary>A line about it; null for a file without a vocabulary.</summary>
    public static string? Line(GgufFile file)
    {
        if (Load(file) is not { } template) return null;
        if (!file.Metadata.Contains(Key)) return "chat template: none; chatml is used (--chat-template gives another)";
        if (template.Problem is not null)
        {
            return template.BuiltInName is { } name ? $"chat template: has a problem; the built-in {name} takes its place where it fails"
                : "chat template: has a problem; conversations fail (--chat-template gives another)";
        }

        string tools = template.SupportsTools ? $"calls tools ({template.CallForm.Name})" : "knows no tools";
        return $"chat template: {tools}, {(template.SupportsThinking ? "can think" : "does not think")}{(template.SupportsSystemRole ? "" : ", has no system role")}";
    }

    /// <summary>What is wrong with it.</summary>
    public static IEnumerable<string> Problems(GgufFile file) => Load(file)?.Problems ?? [];

    private static ChatTemplate? Load(GgufFile file)
    {
        if (!file.Metadata.Contains("tokenizer.ggml.model")) return null;
        try
        {
            return ChatTemplate.Load(file.Metadata, Tokenizer.Load(file.Metadata));
        }
        catch (Exception problem) when (Failures.IsBadInput(problem))
        {
            return null; // The vocabulary is no good, which is said elsewhere.
        }
    }
}
