using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// The symbols of a byte-pair vocabulary by their plain bytes, and what pairs of them merge into. Symbols below the token count
/// are tokens; those above appear only in merges.
/// </summary>
internal sealed class BytePairSymbols
{
    private readonly ByteStringTable _table;
    private readonly int _tokenCount;

    /// <summary>Reads tokens and merges.</summary>
    /// <exception cref="TokenizerException">A merge is not two parts with a space between.</exception>
    public BytePairSymbols(TokenizerVocabulary vocabulary, bool rawText)
    {
        _tokenCount = vocabulary.Tokens.Length;
        _table = new ByteStringTable(_tokenCount + 256);
        int longest = vocabulary.Tokens.Concat(vocabulary.Merges).Max(text => text.Length);
        Span<byte> plain = new byte[longest];
        foreach (byte[] token in vocabulary.Tokens)
        {
            bool findable = ToPlain(token, rawText, plain, out int length);
            _table.Add(plain[..length], findable);
        }

        Merges = new MergeTable(vocabulary.Merges.Length);
        for (int rank = 0; rank < vocabulary.Merges.Length; rank++)
        {
            ReadOnlySpan<byte> merge = vocabulary.Merges[rank];
            int space = merge.Length < 3 ? -1 : 1 + merge[1..].IndexOf((byte)' ');
            if (space <= 0 || space == merge.Length - 1)
            {
                throw new TokenizerException(
                    TokenizerKeys.Merges, $"merge {rank} is '{Encoding.UTF8.GetString(merge)}', expected two parts with a space between");
            }

            // Parts outside the byte alphabet cannot appear in a word, so their merge can never apply.
            if (!ToPlain(merge[..space], rawText, plain, out int leftLength)) continue;
            if (!ToPlain(merge[(space + 1)..], rawText, plain[leftLength..], out int rightLength)) continue;
            int left = FindOrAdd(plain[..leftLength]);
            int right = FindOrAdd(plain.Slice(leftLength, rightLength));
            int merged = FindOrAdd(plain[..(leftLength + rightLength)]);
            Merges.Add(left, right, (uint)rank, merged);
        }

        for (int value = 0; value < 256; value++) OfByte[value] = Find([(byte)value]);
    }

    /// <summary>What pairs merge into.</summary>
    public MergeTable Merges { get; }

    /// <summary>The symbol of each single byte, or -1.</summary>
    public int[] OfByte { get; } = new int[256];

    /// <summary>Length in bytes of the longest symbol.</summary>
    public int MaximumLength => _table.MaximumLength;

    /// <summary>Whether a symbol is a token of the vocabulary.</summary>
    public bool IsToken(int symbol) => (uint)symbol < (uint)_tokenCount;

    /// <summary>The symbol with these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => _table.Find(bytes);

    /// <summary>The bytes of a symbol.</summary>
    public ReadOnlySpan<byte> Bytes(int symbol) => _table[symbol];

    private int FindOrAdd(ReadOnlySpan<byte> bytes)
    {
        int symbol = _table.Find(bytes);
        return symbol >= 0 ? symbol : _table.Add(bytes);
    }

    private static bool ToPlain(ReadOnlySpan<byte> text, bool rawText, Span<byte> plain, out int length)
    {
        length = text.Length;
        if (!rawText) return ByteAlphabet.TryDecode(text, plain, out length);
        text.CopyTo(plain);
        return true;
    }
}
