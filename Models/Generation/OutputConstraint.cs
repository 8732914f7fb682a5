using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Grammars;

namespace TinyMllm.Generation;

/// <summary>Makes the constraint that an answer's options ask for.</summary>
internal static class OutputConstraint
{
    public static ITokenConstraint? Create(GenerationOptions options, IVocabulary vocabulary)
    {
        if (options.Grammar is null && options.JsonSchema is null) return null;
        Grammar grammar = options.Grammar is { } gbnf ? Grammar.Parse(gbnf, vocabulary) : Grammar.FromJsonSchema(options.JsonSchema!);
        return grammar.CreateConstraint(vocabulary);
    }
}
