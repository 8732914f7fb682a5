using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Chat.Thinking;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;

namespace TinyMllm.Generation;

/// <summary>Makes the constraint that an answer's options ask for.</summary>
internal static class OutputConstraint
{
    /// <summary>Tokens of the prompt's end that may hold a mark of thoughts and white space.</summary>
    private const int TailTokens = 32;

    /// <summary>The constraint, or null if the answer is free.</summary>
    /// <param name="options">The grammar or schema.</param>
    /// <param name="vocabulary">The model's vocabulary.</param>
    /// <param name="thinking">How the model marks its thoughts; null if it has none.</param>
    /// <param name="prompt">What is answered; its end tells whether the model is thinking already.</param>
    /// <param name="capacity">Tokens that prompt and answer may have together.</param>
    /// <exception cref="GrammarException">The grammar or schema cannot be read, or both are given.</exception>
    public static ITokenConstraint? Create(
        GenerationOptions options, IVocabulary vocabulary, ThinkingForm? thinking, IReadOnlyList<PromptPart> prompt, int capacity)
    {
        if (options.Grammar is not null
            && options.JsonSchema is not null)
        {
            throw new GrammarException("an answer follows a grammar or a JSON schema, not both");
        }

        string? own = options.JsonSchema is { } schema ? JsonSchemaConverter.ToGbnf(schema) : options.Grammar;
        if (own is null) return null;
        string[] choices = options.OrGrammar is { } other ? [own, other] : [own];

        // A raw prompt is the caller's, thoughts included: the grammar speaks of the whole answer.
        string end = thinking is null || options.Raw ? "" : End(prompt, vocabulary).TrimEnd();
        bool open = thinking is not null && !options.Raw && thinking.IsOpenAtEndOf(end);
        if (thinking is null || options.Raw || end.EndsWith(thinking.Closer, StringComparison.Ordinal))
            return (choices is [var only] ? Grammar.Parse(only, vocabulary) : Grammar.OneOf(choices, vocabulary)).CreateConstraint(vocabulary);
        int room = Math.Min(options.MaxTokens, capacity - prompt.Sum(part => part.Tokens));
        return new ThinkingConstraint(choices, vocabulary, thinking.Opener, thinking.Closer, open, Math.Max(room / 2, 1));
    }

    /// <summary>The end of a prompt in letters, special tokens included.</summary>
    public static string End(IReadOnlyList<PromptPart> prompt, IVocabulary vocabulary)
    {
        if (prompt is not [.., TextPart last]) return "";
        List<byte> bytes = [];
        foreach (int id in last.Ids.AsSpan(Math.Max(0, last.Ids.Length - TailTokens))) bytes.AddRange(vocabulary.Piece(id));
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
