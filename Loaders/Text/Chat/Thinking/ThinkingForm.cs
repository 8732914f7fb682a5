using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Chat.Thinking;

/// <summary>How a family of models marks what it thinks before it answers.</summary>
/// <param name="Opener">Text before the thoughts.</param>
/// <param name="Closer">Text behind them.</param>
/// <param name="AnswerOpener">Text before the answer that follows, which belongs to neither; empty for none.</param>
/// <param name="AnswerCloser">Text behind that answer.</param>
internal sealed record ThinkingForm(string Opener, string Closer, string AnswerOpener = "", string AnswerCloser = "")
{
    /// <summary>What most families write, and what is looked for at the start of every answer.</summary>
    public static ThinkingForm Usual { get; } = new("<think>", "</think>");

    /// <summary>All forms; the special before the general.</summary>
    public static IReadOnlyList<ThinkingForm> All { get; } =
    [
        Usual with { AnswerOpener = "<response>", AnswerCloser = "</response>" },   // Granite 3.3
        Usual with { AnswerOpener = "<answer>", AnswerCloser = "</answer>" },       // Hunyuan, GLM-4.1V
        Usual,                                                                      // Qwen3, SmolLM3, DeepSeek R1, LFM2.5, MiMo, GLM-4.5
        new("◁think▷", "◁/think▷"),                                                 // Kimi-VL
        new("[THINK]", "[/THINK]"),                                                 // Magistral
        new("<seed:think>", "</seed:think>"),                                       // Seed-OSS
        new("<|thought_start|>", "<|thought_end|>"),                                // MiniCPM 4
        new("<|channel>thought", "<channel|>"),                                     // Gemma 4
    ];

    /// <summary>
    /// The form that a template shows, else the one that the vocabulary's own tokens show; null for a model that does not think.
    /// </summary>
    /// <param name="template">The template's text.</param>
    /// <param name="tokens">The texts of special tokens.</param>
    public static ThinkingForm? Recognise(string template, IEnumerable<string> tokens)
    {
        if (All.FirstOrDefault(form => form.IsShownBy(template)) is { } shown) return shown;
        if (template.Contains("enable_thinking", StringComparison.Ordinal)) return Usual;
        string[] all = [.. tokens];
        return All.FirstOrDefault(form => form.AnswerOpener.Length == 0 && all.Contains(form.Opener) && all.Contains(form.Closer));
    }

    /// <summary>The control tokens that the marks consist of, which must show to be recognised in an answer.</summary>
    public HashSet<int> Tokens(Tokenizer tokenizer)
    {
        string[] marks = [Opener, Closer, AnswerOpener, AnswerCloser];
        HashSet<int> tokens = [];
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (!tokenizer.Piece(id, special: false).IsEmpty) continue;
            string text = Encoding.UTF8.GetString(tokenizer.Piece(id, special: true));
            if (text.Length > 1 && marks.Any(mark => mark.Contains(text, StringComparison.Ordinal))) tokens.Add(id);
        }

        return tokens;
    }

    /// <summary>Whether a prompt ends inside of thoughts, so that the answer goes on with them.</summary>
    public bool IsOpenAtEndOf(string prompt)
    {
        int open = prompt.LastIndexOf(Opener, StringComparison.Ordinal);
        return open >= 0 && string.IsNullOrWhiteSpace(prompt[(open + Opener.Length)..]);
    }

    private bool IsShownBy(string template) =>
        (template.Contains(Opener, StringComparison.Ordinal) || template.Contains(Closer, StringComparison.Ordinal))
        && template.Contains(AnswerOpener, StringComparison.Ordinal);
}
