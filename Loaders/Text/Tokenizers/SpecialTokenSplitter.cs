using System.Buffers;
using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>A stretch of text between special tokens, or one special token.</summary>
/// <param name="Start">First byte of the stretch.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Token">The special token, or -1 for ordinary text.</param>
internal readonly record struct TextFragment(int Start, int Length, int Token)
{
    public bool IsText => Token < 0;

    public int End => Start + Length;
}

/// <summary>
/// Finds tokens that are written out in a text: the longest of the vocabulary first, each wherever ordinary text still holds it
/// (docs/formats/tokenizers.md#special-tokens-in-text).
/// </summary>
/// <remarks>One walk over the text with the trie of all special tokens tells which occur at all, usually a handful; only these are searched.</remarks>
internal sealed class SpecialTokenSplitter
{
    private static readonly string[] KeptBySpacesOfPhi3 = ["<unk>", "<s>", "<|endoftext|>"];

    private readonly ByteStringTable _tokens;
    private readonly TokenType[] _types;
    private readonly TokenTrie _trie;
    private readonly SearchValues<byte> _firstBytes;
    private readonly HashSet<int> _stripsRight = [];

    public SpecialTokenSplitter(TokenizerVocabulary vocabulary, ByteStringTable tokens, TokenType[] types)
    {
        _tokens = tokens;
        _types = types;
        int[] special = [.. Enumerable.Range(0, types.Length)
            .Where(id => types[id] is TokenType.Control or TokenType.UserDefined or TokenType.Unknown)];
        _trie = new TokenTrie(special, id => tokens[id]);
        _firstBytes = SearchValues.Create(_trie.ChildLabels(TokenTrie.Root));
        FindStripping(vocabulary, special);
    }

    /// <summary>The texts of all tokens that count only where special tokens are parsed.</summary>
    public IEnumerable<byte[]> ControlTexts => _trie.Subtree(TokenTrie.Root).ToArray()
        .Where(token => _types[token] != TokenType.UserDefined).Select(token => _tokens[token].ToArray());

    /// <summary>Cuts a text at the special tokens that it holds.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="parseSpecial">Whether control tokens count; user-defined ones always do.</param>
    /// <param name="guards">Places that no control token may span, ascending.</param>
    public List<TextFragment> Split(ReadOnlySpan<byte> text, bool parseSpecial, ReadOnlySpan<int> guards = default)
    {
        List<TextFragment> fragments = [];
        if (text.IsEmpty) return fragments;
        fragments.Add(new TextFragment(0, text.Length, -1));
        List<TextFragment> next = [];
        foreach (int token in FindOccurring(text, parseSpecial))
        {
            foreach (TextFragment fragment in fragments)
            {
                if (fragment.IsText) SplitAt(token, text, fragment, guards, next);
                else next.Add(fragment);
            }

            (fragments, next) = (next, fragments);
            next.Clear();
        }

        return fragments;
    }

    /// <summary>The special tokens whose text is somewhere in the text, longest first, lower ids first among equals.</summary>
    private IEnumerable<int> FindOccurring(ReadOnlySpan<byte> text, bool parseSpecial)
    {
        HashSet<int> found = [];
        for (int at = text.IndexOfAny(_firstBytes); at < text.Length && at >= 0;)
        {
            int node = TokenTrie.Root;
            for (int i = at; i < text.Length; i++)
            {
                node = _trie.Child(node, text[i]);
                if (node < 0) break;
                foreach (int token in _trie.Tokens(node))
                    if (parseSpecial || _types[token] == TokenType.UserDefined) found.Add(token);
            }

            int skip = text[(at + 1)..].IndexOfAny(_firstBytes);
            if (skip < 0) break;
            at += 1 + skip;
        }

        return found.OrderByDescending(token => _tokens[token].Length).ThenBy(token => token);
    }

    private void SplitAt(
        int token, ReadOnlySpan<byte> text, TextFragment fragment, ReadOnlySpan<int> guards, List<TextFragment> parts)
    {
        ReadOnlySpan<byte> pattern = _tokens[token];
        if (_types[token] == TokenType.UserDefined) guards = [];
        int start = fragment.Start;
        int from = start;
        while (from < fragment.End)
        {
            int found = text[from..fragment.End].IndexOf(pattern);
            if (found < 0) break;
            int left = from + found;
            if (IsGuarded(guards, left, pattern.Length))
            {
                from = left + 1;
                continue;
            }

            if (left > start) parts.Add(new TextFragment(start, left - start, -1));
            parts.Add(new TextFragment(left, pattern.Length, token));

            start = left + pattern.Length;
            if (_stripsRight.Contains(token))
                while (start < fragment.End && IsSpace(text[start])) start++;
            from = start;
        }

        if (start < fragment.End) parts.Add(new TextFragment(start, fragment.End - start, -1));
    }

    private static bool IsGuarded(ReadOnlySpan<int> guards, int start, int length)
    {
        foreach (int guard in guards)
            if (guard > start && guard < start + length) return true;
        return false;
    }

    /// <summary>The files do not say which tokens swallow white space behind them; Phi-3's are known to.</summary>
    private void FindStripping(TokenizerVocabulary vocabulary, int[] special)
    {
        string name = vocabulary.ModelName.ToLowerInvariant();
        if (!name.Contains("phi-3", StringComparison.Ordinal) && !name.Contains("phi3", StringComparison.Ordinal)) return;
        _stripsRight.UnionWith(special);
        _stripsRight.Add(_tokens.Find("</s>"u8));
        foreach (string text in KeptBySpacesOfPhi3) _stripsRight.Remove(_tokens.Find(Encoding.UTF8.GetBytes(text)));
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
}
