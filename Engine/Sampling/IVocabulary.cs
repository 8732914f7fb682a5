namespace TinyMllm.Engine.Sampling;

/// <summary>What sampling must know of a tokenizer: the texts of tokens. Implementations must be safe to read from many threads.</summary>
public interface IVocabulary
{
    /// <summary>Number of tokens.</summary>
    int Count { get; }

    /// <summary>The UTF-8 bytes that the token stands for, special tokens as their own text; possibly half a character.</summary>
    ReadOnlySpan<byte> Piece(int token);

    /// <summary>True when the token ends the answer.</summary>
    bool IsEndOfGeneration(int token);

    /// <summary>Token ids of a text, without special tokens at its ends.</summary>
    int[] Tokenize(string text);
}
