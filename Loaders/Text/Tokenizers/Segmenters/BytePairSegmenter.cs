using System.Runtime.CompilerServices;
using System.Text.Unicode;
using TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// Byte-pair encoding (<c>gpt2</c>): patterns cut text into words; in each word the neighbouring pair of lowest rank merges until
/// none is left (docs/formats/tokenizers.md#byte-pair-encoding).
/// </summary>
internal sealed class BytePairSegmenter : Segmenter
{
    private const int LongestShortWord = 48;
    private const byte Untried = 0;
    private const byte Whole = 1;
    private const byte Split = 2;

    private readonly PreTokenizer _preTokenizer;
    private readonly BytePairSymbols _symbols;
    private readonly int[] _byteTokens;

    /// <summary>
    /// For each token whether merging its own text gives that one token, found out when first needed: most words of a text are
    /// whole tokens, and this spares them the merging. Threads may race to write the same answer.
    /// </summary>
    private readonly byte[] _wholeness;

    public BytePairSegmenter(TokenizerVocabulary vocabulary, int[] byteTokens)
    {
        _preTokenizer = PreTokenizer.Find(vocabulary.PreTokenizer);
        _symbols = new BytePairSymbols(vocabulary, _preTokenizer.RawText);
        _byteTokens = byteTokens;
        _wholeness = new byte[vocabulary.Tokens.Length];
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> text, bool startsText, List<int> tokens)
    {
        using var repaired = new Scratch<byte>(Utf8.IsValid(text) ? 0 : checked(3 * text.Length));
        if (repaired.Span.Length > 0) text = repaired.Span[..Utf8Bytes.Repair(text, repaired.Span)];

        bool escapes = _preTokenizer.RawText;
        using var escaped = new Scratch<byte>(escapes ? checked(3 * text.Length) : 0);
        if (escapes) text = escaped.Span[..EscapeSpaces(text, escaped.Span)];

        using var characters = new Scratch<uint>(text.Length);
        var classified = ClassifiedText.Decode(text, characters.Span);
        int start = 0;
        int offset = 0;
        foreach (int end in _preTokenizer.Split(classified))
        {
            int length = classified.Utf8Length(start, end);
            EncodeWord(text.Slice(offset, length), tokens);
            start = end;
            offset += length;
        }
    }

    private void EncodeWord(ReadOnlySpan<byte> word, List<int> tokens)
    {
        int whole = _symbols.Find(word);
        if (!_symbols.IsToken(whole))
        {
            Merge(word, tokens);
            return;
        }

        // A run of line feeds never merges in Gemma's vocabulary, but is a token.
        bool taken = _preTokenizer.IgnoresMerges || _wholeness[whole] == Whole
            || (_preTokenizer.RawText && !word.ContainsAnyExcept((byte)'\n'));
        if (taken)
        {
            tokens.Add(whole);
            return;
        }

        int before = tokens.Count;
        Merge(word, tokens);
        if (_wholeness[whole] == Untried) _wholeness[whole] = tokens.Count == before + 1 && tokens[before] == whole ? Whole : Split;
    }

    private void Merge(ReadOnlySpan<byte> word, List<int> tokens)
    {
        if (word.Length == 1 && _symbols.IsToken(_symbols.OfByte[word[0]])) tokens.Add(_symbols.OfByte[word[0]]);
        else if (word.Length <= LongestShortWord) MergeShort(word, tokens);
        else MergeLong(word, tokens);
    }

    /// <summary>
    /// The symbols that merging starts from: bytes, or characters where tokens are plain text. One that the vocabulary lacks is
    /// written as the complement of its offset and never merges.
    /// </summary>
    private int FirstSymbols(ReadOnlySpan<byte> word, Span<int> symbols)
    {
        int count = 0;
        for (int offset = 0; offset < word.Length;)
        {
            int length = _preTokenizer.RawText ? Utf8Bytes.LengthFromLead(word[offset]) : 1;
            int symbol = length == 1 ? _symbols.OfByte[word[offset]] : _symbols.Find(word.Slice(offset, length));
            symbols[count++] = symbol >= 0 ? symbol : ~offset;
            offset += length;
        }

        return count;
    }

    /// <summary>Finds the lowest pair by looking at all: the quickest way for a word.</summary>
    [SkipLocalsInit]
    private void MergeShort(ReadOnlySpan<byte> word, List<int> tokens)
    {
        Span<int> symbols = stackalloc int[LongestShortWord];
        Span<uint> ranks = stackalloc uint[LongestShortWord];
        Span<int> merged = stackalloc int[LongestShortWord];
        int count = FirstSymbols(word, symbols);
        MergeTable merges = _symbols.Merges;
        for (int i = 0; i + 1 < count; i++) ranks[i] = merges.Find(symbols[i], symbols[i + 1], out merged[i]);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
                if (ranks[i] < ranks[best]) best = i;
            if (ranks[best] == MergeTable.None) break;

            symbols[best] = merged[best];
            count--;
            for (int i = best + 1; i < count; i++)
            {
                symbols[i] = symbols[i + 1];
                ranks[i] = ranks[i + 1];
                merged[i] = merged[i + 1];
            }

            if (best > 0) ranks[best - 1] = merges.Find(symbols[best - 1], symbols[best], out merged[best - 1]);
            if (best + 1 < count) ranks[best] = merges.Find(symbols[best], symbols[best + 1], out merged[best]);
        }

        foreach (int symbol in symbols[..count]) Emit(symbol, word, tokens);
    }

    /// <summary>Keeps the pairs in a heap over a linked list, so that a word of any length takes n log n.</summary>
    private void MergeLong(ReadOnlySpan<byte> word, List<int> tokens)
    {
        using var symbolStorage = new Scratch<int>(word.Length);
        Span<int> symbols = symbolStorage.Span;
        symbols = symbols[..FirstSymbols(word, symbols)];
        using var nodeStorage = new Scratch<Node>(symbols.Length);
        using var heapStorage = new Scratch<ulong>(2 * symbols.Length);
        Span<Node> nodes = nodeStorage.Span;
        var heap = new MergeHeap(heapStorage.Span);
        for (int i = 0; i < nodes.Length; i++) nodes[i] = new Node { Symbol = symbols[i], Previous = i - 1, Next = i + 1 };
        for (int i = 0; i < nodes.Length; i++) Rank(nodes, i, ref heap);

        while (heap.Count > 0)
        {
            heap.Pop(out uint rank, out int left);
            ref Node node = ref nodes[left];
            if (node.Rank != rank) continue; // one of its sides has merged meanwhile

            ref Node right = ref nodes[node.Next];
            right.Rank = MergeTable.None;
            node.Symbol = node.Merged;
            node.Next = right.Next;
            if (node.Next < nodes.Length) nodes[node.Next].Previous = left;
            Rank(nodes, left, ref heap);
            if (node.Previous >= 0) Rank(nodes, node.Previous, ref heap);
        }

        for (int i = 0; i < nodes.Length; i = nodes[i].Next) Emit(nodes[i].Symbol, word, tokens);
    }

    private void Rank(Span<Node> nodes, int left, ref MergeHeap heap)
    {
        ref Node node = ref nodes[left];
        node.Rank = node.Next < nodes.Length
            ? _symbols.Merges.Find(node.Symbol, nodes[node.Next].Symbol, out node.Merged)
            : MergeTable.None;
        if (node.Rank != MergeTable.None) heap.Push(node.Rank, left);
    }

    private void Emit(int symbol, ReadOnlySpan<byte> word, List<int> tokens)
    {
        if (_symbols.IsToken(symbol))
        {
            tokens.Add(symbol);
            return;
        }

        ReadOnlySpan<byte> bytes = symbol >= 0 ? _symbols.Bytes(symbol)
            : word.Slice(~symbol, _preTokenizer.RawText ? Utf8Bytes.LengthFromLead(word[~symbol]) : 1);
        foreach (byte value in bytes)
        {
            int token = _preTokenizer.RawText ? _byteTokens[value] : _symbols.OfByte[value];
            if (_symbols.IsToken(token)) tokens.Add(token);
        }
    }

    private struct Node
    {
        public int Symbol;
        public int Previous;
        public int Next;

        /// <summary>Rank of the pair that this node makes with the next.</summary>
        public uint Rank;

        /// <summary>What that pair merges into.</summary>
        public int Merged;
    }
}
