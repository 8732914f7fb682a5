using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Grammars;

namespace TinyMllm.Generation;

/// <summary>Makes the constraint that an answer's options ask for.</summary>
internal static class OutputConstraint
{
    /// <summary>The constraint, or null if the answer is free.</summary>
    /// <exception cref="GrammarException">The grammar or schema cannot be read, or both are given.</exception>
    public static ITokenConstraint? Create(GenerationOptions options, IVocabulary vocabulary)
    {
        if (options.Grammar is not null
            && options.JsonSchema is not null) throw new GrammarException("an answer follows a grammar or a JSON schema, not both");
        Grammar? grammar = options.Grammar is { } text ? Grammar.Parse(text, vocabulary)
            : options.JsonSchema is { } schema ? Grammar.FromJsonSchema(schema)
            : null;
        return grammar?.CreateConstraint(vocabulary);
    }
}
