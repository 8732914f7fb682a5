using System.Runtime.InteropServices;
using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers.Segmenters;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// Text to token ids and back, as the vocabulary in a GGUF file says. Immutable; one instance serves any number of threads.
/// </summary>
/// <remarks>
/// Families: SentencePiece BPE (<c>llama</c>), byte-pair encoding (<c>gpt2</c>, <c>gemma4</c>), WordPiece (<c>bert</c>). Where a vocabulary
/// lacks a special token its id is -1.
/// </remarks>
public sealed class Tokenizer : IVocabulary
{
    private readonly ByteStringTable _tokens;
    private readonly ByteStrings _pieces;
    private readonly SpecialTokens _special;
    private readonly SpecialTokenSplitter _splitter;
    private readonly Segmenter _segmenter;
    private readonly bool _framesWithSeparator;
    private readonly Lazy<TokenTrie> _trie;

    /// <summary>Builds a tokenizer.</summary>
    /// <exception cref="TokenizerException">The vocabulary contradicts itself.</exception>
    internal Tokenizer(TokenizerVocabulary vocabulary)
    {
        vocabulary.Validate();
        _tokens = new ByteStringTable(vocabulary.Tokens.Length);
        for (int id = 0; id < vocabulary.Tokens.Length; id++)
            _tokens.Add(vocabulary.Tokens[id] is { Length: > 0 } text ? text : Encoding.UTF8.GetBytes($"[EMPTY_{id}]"));

        _special = new SpecialTokens(vocabulary, _tokens);
        _pieces = Pieces.Build(_tokens, _special.Types, vocabulary.EscapesSpaces);
        _splitter = new SpecialTokenSplitter(vocabulary, _tokens, _special.Types);
        int[] byteTokens = Pieces.FindByteTokens(_tokens);
        _segmenter = vocabulary.Family switch
        {
            TokenizerFamily.SentencePiece => new SentencePieceSegmenter(vocabulary, _tokens, byteTokens),
            TokenizerFamily.BytePair => new BytePairSegmenter(vocabulary, byteTokens),
            _ => new WordPieceSegmenter(vocabulary, _tokens),
        };
        _framesWithSeparator = vocabulary.Family == TokenizerFamily.WordPiece;
        _trie = new Lazy<TokenTrie>(() => new TokenTrie(Enumerable.Range(0, VocabularySize), id => _pieces[id]));

        Bos = vocabulary.Bos;
        Eos = vocabulary.Eos;
        Unknown = vocabulary.Unknown;
        Separator = vocabulary.Separator;
        Padding = vocabulary.Padding;
        AddBos = vocabulary.AddBos && Bos >= 0;
        AddEos = vocabulary.AddEos && Eos >= 0;
        AddSpacePrefix = vocabulary.AddSpacePrefix && vocabulary.Family == TokenizerFamily.SentencePiece;
        Warnings = vocabulary.Warnings;
        SuppressedTokens = [.. vocabulary.SuppressedTokens.Where(id => (uint)id < (uint)VocabularySize).Distinct().Order()];
    }

    /// <summary>Number of tokens; ids run from 0 to one less.</summary>
    public int VocabularySize => _tokens.Count;

    /// <summary>Begins a text.</summary>
    public int Bos { get; }

    /// <summary>Ends a text.</summary>
    public int Eos { get; }

    /// <summary>Ends a turn of a conversation.</summary>
    public int Eot => _special.Eot;

    /// <summary>Ends a message that a tool must answer.</summary>
    public int Eom => _special.Eom;

    /// <summary>Stands for text that the vocabulary cannot express.</summary>
    public int Unknown { get; }

    /// <summary>Separates texts (WordPiece).</summary>
    public int Separator { get; }

    /// <summary>Fills up a batch.</summary>
    public int Padding { get; }

    /// <summary>Whether a prompt starts with <see cref="Bos"/>.</summary>
    public bool AddBos { get; }

    /// <summary>Whether a prompt ends with <see cref="Eos"/>.</summary>
    public bool AddEos { get; }

    /// <summary>Whether encoding puts a space before a text, which <see cref="Decode"/> takes away again.</summary>
    public bool AddSpacePrefix { get; }

    /// <summary>What control tokens look like when they are written out.</summary>
    internal IEnumerable<byte[]> ControlTexts => _splitter.ControlTexts;

    /// <summary>Tokens that must not be sampled, ascending.</summary>
    public IReadOnlyList<int> SuppressedTokens { get; }

    /// <summary>
    /// What the file says of its vocabulary that cannot be so and was ignored, a line each: special tokens that it does not have.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The pieces of all tokens as a tree, built when first asked for.</summary>
    public TokenTrie Trie => _trie.Value;

    /// <summary>Reads the vocabulary of a model.</summary>
    /// <param name="metadata">A model file's metadata.</param>
    /// <exception cref="GgufFormatException">A key is missing or of another type.</exception>
    /// <exception cref="UnsupportedTokenizerException">The kind of vocabulary or its pre-tokenizer is not known.</exception>
    /// <exception cref="TokenizerException">Lists or ids do not fit each other.</exception>
    public static Tokenizer Load(GgufMetadata metadata) => new(VocabularyReader.Read(metadata));

    /// <summary>Cuts a text into tokens. Halves of surrogate pairs that stand alone count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether to add the tokens that begin and end a prompt, where the vocabulary wants them.</param>
    /// <param name="parseSpecial">Whether control tokens written out in the text count as such: for templates, not for what a user typed.</param>
    public int[] Encode(string text, bool addSpecial, bool parseSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var utf8 = new Scratch<byte>(Encoding.UTF8.GetMaxByteCount(text.Length));
        return Encode(utf8.Span[..Encoding.UTF8.GetBytes(text, utf8.Span)], addSpecial, parseSpecial);
    }

    /// <summary>Cuts a text into tokens.</summary>
    /// <param name="utf8">The text; bytes that are no characters are kept where the vocabulary can express them, else count as U+FFFD.</param>
    /// <param name="addSpecial">Whether to add the tokens that begin and end a prompt, where the vocabulary wants them.</param>
    /// <param name="parseSpecial">Whether control tokens written out in the text count as such.</param>
    public int[] Encode(ReadOnlySpan<byte> utf8, bool addSpecial, bool parseSpecial) => Encode(utf8, addSpecial, parseSpecial, []);

    /// <summary>Cuts the text of a prompt into tokens; special tokens count where no guard is in them.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether to add the tokens that begin and end a prompt, where the vocabulary wants them.</param>
    public int[] Encode(GuardedText text, bool addSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text.ToUtf8(out int[] guards), addSpecial, parseSpecial: true, guards);
    }

    /// <summary>The text of tokens, without the space that encoding put before it. Bytes that are no character become U+FFFD.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="special">Whether control tokens appear as their own text.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokens, bool special = false)
    {
        List<byte> utf8 = [];
        foreach (int token in tokens) utf8.AddRange(Piece(token, special));
        ReadOnlySpan<byte> text = CollectionsMarshal.AsSpan(utf8);
        return Encoding.UTF8.GetString(AddSpacePrefix && text.StartsWith(" "u8) ? text[1..] : text);
    }

    /// <summary>The UTF-8 bytes that a token shows, perhaps half a character; empty for control, unknown and unused tokens.</summary>
    /// <param name="token">Token id.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public ReadOnlySpan<byte> Piece(int token) => _pieces[Check(token)];

    /// <summary>The UTF-8 bytes that a token shows; control and unknown tokens as their own text if <paramref name="special"/>.</summary>
    /// <param name="token">Token id.</param>
    /// <param name="special">Whether control and unknown tokens have a text.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public ReadOnlySpan<byte> Piece(int token, bool special) =>
        special && Type(token) is TokenType.Control or TokenType.Unknown ? _tokens[token] : Piece(token);

    /// <summary>What a token stands for.</summary>
    /// <param name="token">Token id.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public TokenType Type(int token) => _special.Types[Check(token)];

    /// <summary>Whether generation stops at this token.</summary>
    /// <param name="token">Token id.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public bool IsEndOfGeneration(int token) => _special.IsEnd(Check(token));

    /// <summary>Finds a token by its text as the vocabulary writes it, such as <c>&lt;|im_end|&gt;</c> or <c>▁the</c>.</summary>
    /// <param name="text">The whole text of the token.</param>
    /// <param name="token">Its id, or -1.</param>
    public bool TryFindToken(string text, out int token)
    {
        token = _tokens.Find(Encoding.UTF8.GetBytes(text));
        return token >= 0;
    }

    /// <inheritdoc/>
    int IVocabulary.Count => VocabularySize;

    /// <inheritdoc/>
    ReadOnlySpan<byte> IVocabulary.Piece(int token) => Piece(token, special: true);

    /// <inheritdoc/>
    int[] IVocabulary.Tokenize(string text) => Encode(text, addSpecial: false, parseSpecial: false);

    private int[] Encode(ReadOnlySpan<byte> utf8, bool addSpecial, bool parseSpecial, ReadOnlySpan<int> guards)
    {
        List<int> tokens = [];
        if (addSpecial && (AddBos || _framesWithSeparator) && Bos >= 0) tokens.Add(Bos);
        bool startsText = true;
        foreach (TextFragment fragment in _splitter.Split(utf8, parseSpecial, guards))
        {
            if (fragment.IsText) _segmenter.Encode(utf8.Slice(fragment.Start, fragment.Length), startsText, tokens);
            else tokens.Add(fragment.Token);
            startsText = !fragment.IsText;
        }

        int last = _framesWithSeparator ? Separator : AddEos ? Eos : -1;
        if (addSpecial && last >= 0) tokens.Add(last);
        return [.. tokens];
    }

    private int Check(int token) => (uint)token < (uint)VocabularySize
        ? token
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"the vocabulary has {VocabularySize} tokens");
}
