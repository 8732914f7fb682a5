using TinyMllm.Engine.Sampling;

namespace TinyMllm.Generation;

/// <summary>Makes the constraint that an answer's options ask for.</summary>
internal static class OutputConstraint
{
    public static ITokenConstraint? Create(GenerationOptions options, IVocabulary vocabulary)
    {
        if (options.Grammar is null && options.JsonSchema is null) return null;
        throw new NotSupportedException("grammars");
    }
}
