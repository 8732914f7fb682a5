using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// SentencePiece's byte-pair encoding (<c>llama</c>): neighbouring pieces of text whose union is a token merge, the union of
/// highest score first; what is no token at the end falls back to bytes (docs/formats/tokenizers.md#sentencepiece).
/// </summary>
/// <remarks>
/// No token of a usual vocabulary has a word start (U+2581) behind another character, so merges never cross from one word into
/// the next and words can be merged one by one. Where some tokens do, the text stays whole at the byte pairs in question.
/// </remarks>
internal sealed class SentencePieceSegmenter : Segmenter
{
    private const uint NoMerge = uint.MaxValue;
    private const int LongestShortWord = 48;
    private const byte Untried = 0;
    private const byte Whole = 1;
    private const byte Split = 2;

    private readonly ByteStringTable _tokens;
    private readonly int[] _byteTokens;
    private readonly int _unknown;
    private readonly bool _addSpacePrefix;
    private readonly uint[] _priorities;
    private readonly bool[] _mayPrecedeWordStart = new bool[256];

    /// <summary>For each token whether merging its text gives that one token; found out when first needed.</summary>
    private readonly byte[] _wholeness;

    public SentencePieceSegmenter(TokenizerVocabulary vocabulary, ByteStringTable tokens, int[] byteTokens)
    {
        _tokens = tokens;
        _byteTokens = byteTokens;
        _unknown = vocabulary.Unknown;
        _addSpacePrefix = vocabulary.AddSpacePrefix;
        _wholeness = new byte[tokens.Count];
        _priorities = new uint[tokens.Count];
        for (int id = 0; id < tokens.Count; id++)
        {
            _priorities[id] = Priority(vocabulary.Scores.Length == 0 ? 0 : vocabulary.Scores[id]);
            ReadOnlySpan<byte> text = tokens[id];
            for (int at = 1; at < text.Length; at++)
                if (text[at..].StartsWith(EscapedSpace)) _mayPrecedeWordStart[text[at - 1]] = true;
        }
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> text, bool startsText, List<int> tokens)
    {
        using var storage = new Scratch<byte>(checked((3 * text.Length) + 3));
        Span<byte> escaped = storage.Span;
        int length = 0;
        if (_addSpacePrefix && startsText)
        {
            EscapedSpace.CopyTo(escaped);
            length = EscapedSpace.Length;
        }

        length += EscapeSpaces(text, escaped[length..]);
        EncodeEscaped(escaped[..length], tokens);
    }

    private void EncodeEscaped(ReadOnlySpan<byte> text, List<int> tokens)
    {
        int start = 0;
        for (int at = 0; at < text.Length;)
        {
            byte lead = text[at];
            if (lead == EscapedSpace[0] && at > start && !_mayPrecedeWordStart[text[at - 1]] && text[at..].StartsWith(EscapedSpace))
            {
                EncodeWord(text[start..at], tokens);
                start = at;
            }

            at += Utf8Bytes.LengthFromLead(lead);
        }

        if (start < text.Length) EncodeWord(text[start..], tokens);
    }

    private void EncodeWord(ReadOnlySpan<byte> word, List<int> tokens)
    {
        int whole = _tokens.Find(word);
        if (whole >= 0 && _wholeness[whole] == Whole)
        {
            tokens.Add(whole);
            return;
        }

        int before = tokens.Count;
        if (word.Length <= LongestShortWord) MergeShort(word, tokens);
        else MergeLong(word, tokens);
        if (whole >= 0 && _wholeness[whole] == Untried)
            _wholeness[whole] = tokens.Count == before + 1 && tokens[before] == whole ? Whole : Split;
    }

    private int FirstPieces(ReadOnlySpan<byte> word, Span<Piece> pieces)
    {
        int count = 0;
        for (int offset = 0; offset < word.Length;)
        {
            int length = Math.Min(Utf8Bytes.LengthFromLead(word[offset]), word.Length - offset);
            int token = _tokens.Find(word.Slice(offset, length));
            pieces[count] = new Piece { Offset = offset, Length = length, Token = token, Previous = count - 1, Next = count + 1 };
            count++;
            offset += length;
        }

        return count;
    }

    /// <summary>Finds the best pair by looking at all: the quickest way for a word.</summary>
    [SkipLocalsInit]
    private void MergeShort(ReadOnlySpan<byte> word, List<int> tokens)
    {
        Span<Piece> pieces = stackalloc Piece[LongestShortWord];
        pieces = pieces[..FirstPieces(word, pieces)];
        for (int i = 0; i < pieces.Length; i++) FindMerge(word, pieces, i);
        while (true)
        {
            int best = 0;
            for (int i = 0; i < pieces.Length; i = pieces[i].Next)
                if (pieces[i].Priority < pieces[best].Priority) best = i;
            if (pieces[best].Priority == NoMerge) break;
            MergeWithNext(pieces, best);
            FindMerge(word, pieces, best);
            if (pieces[best].Previous >= 0) FindMerge(word, pieces, pieces[best].Previous);
        }

        Emit(pieces, word, tokens);
    }

    /// <summary>Keeps the pairs in a heap, so that a word of any length takes n log n.</summary>
    private void MergeLong(ReadOnlySpan<byte> word, List<int> tokens)
    {
        using var pieceStorage = new Scratch<Piece>(word.Length);
        Span<Piece> pieces = pieceStorage.Span;
        pieces = pieces[..FirstPieces(word, pieces)];
        using var heapStorage = new Scratch<ulong>(2 * pieces.Length);
        var heap = new MergeHeap(heapStorage.Span);
        for (int i = 0; i < pieces.Length; i++)
            if (FindMerge(word, pieces, i)) heap.Push(pieces[i].Priority, i);

        while (heap.Count > 0)
        {
            heap.Pop(out uint priority, out int left);
            if (pieces[left].Priority != priority) continue; // one of its sides has merged meanwhile
            MergeWithNext(pieces, left);
            if (FindMerge(word, pieces, left)) heap.Push(pieces[left].Priority, left);
            int previous = pieces[left].Previous;
            if (previous >= 0 && FindMerge(word, pieces, previous)) heap.Push(pieces[previous].Priority, previous);
        }

        Emit(pieces, word, tokens);
    }

    private static void MergeWithNext(Span<Piece> pieces, int left)
    {
        ref Piece piece = ref pieces[left];
        ref Piece right = ref pieces[piece.Next];
        piece.Length += right.Length;
        piece.Token = piece.Merged;
        piece.Next = right.Next;
        right.Priority = NoMerge;
        if (piece.Next < pieces.Length) pieces[piece.Next].Previous = left;
    }

    private bool FindMerge(ReadOnlySpan<byte> word, Span<Piece> pieces, int left)
    {
        ref Piece piece = ref pieces[left];
        piece.Priority = NoMerge;
        if (piece.Next >= pieces.Length) return false;
        piece.Merged = _tokens.Find(word.Slice(piece.Offset, piece.Length + pieces[piece.Next].Length));
        if (piece.Merged < 0) return false;
        piece.Priority = _priorities[piece.Merged];
        return true;
    }

    private void Emit(ReadOnlySpan<Piece> pieces, ReadOnlySpan<byte> word, List<int> tokens)
    {
        for (int i = 0; i < pieces.Length; i = pieces[i].Next) Emit(pieces[i], word, tokens);
    }

    private void Emit(in Piece piece, ReadOnlySpan<byte> word, List<int> tokens)
    {
        if (piece.Token >= 0)
        {
            tokens.Add(piece.Token);
            return;
        }

        foreach (byte value in word.Slice(piece.Offset, piece.Length))
        {
            int token = _byteTokens[value] >= 0 ? _byteTokens[value] : _unknown;
            if (token >= 0) tokens.Add(token);
        }
    }

    /// <summary>Maps a score to an integer that is the smaller the better the score, and never <see cref="NoMerge"/>.</summary>
    private static uint Priority(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f); // -0 equals 0
        uint ascending = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return Math.Min(~ascending, NoMerge - 1);
    }

    private struct Piece
    {
        public int Offset;
        public int Length;
        public int Previous;
        public int Next;

        /// <summary>The token with this text, or -1.</summary>
        public int Token;

        /// <summary>The token that this piece and the next make, where <see cref="Priority"/> is not <see cref="NoMerge"/>.</summary>
        public int Merged;

        /// <summary>Order of merging this piece with the next.</summary>
        public uint Priority;
    }
}
