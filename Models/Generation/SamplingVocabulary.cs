using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Generation;

/// <summary>The tokenizer as sampling and grammars see it.</summary>
internal sealed class SamplingVocabulary(Tokenizer tokenizer) : IVocabulary
{
    public int Count => tokenizer.VocabularySize;

    public ReadOnlySpan<byte> Piece(int token) => tokenizer.Piece(token, special: true);

    public bool IsEndOfGeneration(int token) => tokenizer.IsEndOfGeneration(token);

    public int[] Tokenize(string text) => tokenizer.Encode(text, addSpecial: false, parseSpecial: false);
}
