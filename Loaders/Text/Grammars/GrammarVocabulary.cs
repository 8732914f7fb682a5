using System.Runtime.CompilerServices;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>What grammars need of a vocabulary, worked out once for each and shared by all sessions.</summary>
internal sealed class GrammarVocabulary
{
    private static readonly ConditionalWeakTable<IVocabulary, GrammarVocabulary> Known = [];

    private GrammarVocabulary(IVocabulary vocabulary)
    {
        Tree = new TokenTrie(Enumerable.Range(0, vocabulary.Count), vocabulary.Piece);
        Ends = [.. Enumerable.Range(0, vocabulary.Count).Where(vocabulary.IsEndOfGeneration)];
    }

    /// <summary>All tokens that have a text, special ones by their own.</summary>
    public TokenTrie Tree { get; }

    /// <summary>Tokens that end the answer.</summary>
    public int[] Ends { get; }

    /// <summary>That of a vocabulary.</summary>
    public static GrammarVocabulary Of(IVocabulary vocabulary) => Known.GetValue(vocabulary, key => new GrammarVocabulary(key));
}
