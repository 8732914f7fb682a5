using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// WordPiece (<c>bert</c>): text is cleaned, lower-cased and cut at white space and punctuation; each word is covered by the longest
/// tokens from its start, or is unknown as a whole (docs/formats/tokenizers.md#wordpiece).
/// </summary>
internal sealed class WordPieceSegmenter : Segmenter
{
    private readonly TokenTrie _trie;
    private readonly int _unknown;
    private readonly bool _lowercase;
    private readonly bool _stripAccents;

    public WordPieceSegmenter(TokenizerVocabulary vocabulary, ByteStringTable tokens)
    {
        _trie = new TokenTrie(Enumerable.Range(0, tokens.Count), id => tokens[id]);
        _unknown = vocabulary.Unknown;
        _lowercase = vocabulary.Lowercase;
        _stripAccents = vocabulary.StripAccents;
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> text, bool startsText, List<int> tokens)
    {
        List<byte> word = [];
        Span<int> letters = stackalloc int[3];
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf8(text, out Rune rune, out int length);
            text = text[length..];
            int count = 1;
            letters[0] = rune.Value;
            if (_stripAccents) count = BaseLetters.Decompose(rune.Value, letters);
            foreach (int letter in letters[..count]) Append(letter, word, tokens);
        }

        EndWord(word, tokens);
    }

    private void Append(int codePoint, List<byte> word, List<int> tokens)
    {
        CharClass classes = CharClasses.Of(codePoint);
        if ((classes & CharClass.Space) != 0)
        {
            EndWord(word, tokens);
            return;
        }

        if (IsDropped(codePoint) || (_stripAccents && (classes & CharClass.Mark) != 0)) return;
        bool alone = (classes & CharClass.Punctuation) != 0 || (codePoint < 0x7F && (classes & CharClass.Symbol) != 0) || IsCjk(codePoint);
        if (alone) EndWord(word, tokens);
        if (word.Count == 0) word.AddRange(EscapedSpace);
        Span<byte> utf8 = stackalloc byte[4];
        Rune rune = new(codePoint);
        word.AddRange(utf8[..(_lowercase ? Rune.ToLowerInvariant(rune) : rune).EncodeToUtf8(utf8)]);
        if (alone) EndWord(word, tokens);
    }

    private void EndWord(List<byte> word, List<int> tokens)
    {
        ReadOnlySpan<byte> rest = CollectionsMarshal.AsSpan(word);
        int before = tokens.Count;
        while (!rest.IsEmpty)
        {
            int token = _trie.LongestPrefix(rest, out int length);
            if (token < 0)
            {
                tokens.RemoveRange(before, tokens.Count - before);
                if (_unknown >= 0) tokens.Add(_unknown);
                break;
            }

            tokens.Add(token);
            rest = rest[length..];
        }

        word.Clear();
    }

    /// <summary>NUL, the replacement character, and control characters.</summary>
    private static bool IsDropped(int codePoint) => codePoint is 0 or 0xFFFD || CharUnicodeInfo.GetUnicodeCategory(codePoint)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate;

    private static bool IsCjk(int codePoint) => codePoint
        is (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);
}
