using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// Turns tokens into text as they are generated. A character whose bytes are spread over several tokens appears when its last
/// byte is there; bytes that are no character become U+FFFD. Allocates only while its buffer grows.
/// </summary>
public sealed class TokenStream
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _special;
    private readonly IReadOnlySet<int>? _specialShown;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _text = new char[64];
    private bool _trimLeadingSpace;

    /// <summary>Starts a text.</summary>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="special">Whether control tokens appear as their own text.</param>
    /// <param name="trimLeadingSpace">Whether one space at the very start is left out: the one that SentencePiece puts before a text's first word.</param>
    public TokenStream(Tokenizer tokenizer, bool special = false, bool trimLeadingSpace = false)
    {
        _tokenizer = tokenizer;
        _special = special;
        _trimLeadingSpace = trimLeadingSpace;
    }

    /// <summary>Starts a text in which only some control tokens appear.</summary>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="specialShown">The control tokens that appear as their own text; null for all of them.</param>
    /// <param name="trimLeadingSpace">Whether one space at the very start is left out.</param>
    internal TokenStream(Tokenizer tokenizer, IReadOnlySet<int>? specialShown, bool trimLeadingSpace)
        : this(tokenizer, specialShown is null, trimLeadingSpace) => _specialShown = specialShown;

    /// <summary>The characters that <paramref name="token"/> completes, possibly none; valid until the next call.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such token.</exception>
    public ReadOnlySpan<char> Append(int token) => Decode(_tokenizer.Piece(token, _special || _specialShown?.Contains(token) is true), flush: false);

    /// <summary>Ends the text: what is left of an unfinished character, as U+FFFD. The stream can then start another text.</summary>
    public ReadOnlySpan<char> Flush() => Decode([], flush: true);

    private ReadOnlySpan<char> Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        if (_trimLeadingSpace && !bytes.IsEmpty)
        {
            _trimLeadingSpace = false;
            if (bytes[0] == ' ') bytes = bytes[1..];
        }

        int needed = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        if (needed > _text.Length) _text = new char[Math.Max(needed, 2 * _text.Length)];
        return _text.AsSpan(0, _decoder.GetChars(bytes, _text, flush));
    }
}
