using System.Buffers.Binary;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// SentencePiece's normalisation rules: a double-array trie (XCDA) of byte strings, each leading to a NUL-terminated replacement.
/// Layout: u32 size N, N bytes of u32 units, then the replacements. A unit holds its base <c>(u &gt;&gt; 10) &lt;&lt; ((u &amp; 0x200) &gt;&gt; 6)</c>,
/// its label <c>u &amp; 0x800000FF</c>, the leaf flag <c>(u &gt;&gt; 8) &amp; 1</c>; a leaf's value is <c>u &amp; 0x7FFFFFFF</c>.
/// </summary>
internal sealed class PrecompiledCharsMap
{
    private readonly uint[] _units = [];
    private readonly byte[] _replacements = [];

    /// <summary>Reads the map.</summary>
    /// <param name="data">The array in the file; empty means no rules.</param>
    /// <exception cref="TokenizerException">The sizes in it do not fit.</exception>
    public PrecompiledCharsMap(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return;
        uint size = data.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(data);
        if (size + 4L >= data.Length || size % 4 != 0)
        {
            throw new TokenizerException(
                TokenizerKeys.CharsMap, $"found {data.Length} bytes whose trie claims {size}, expected a multiple of 4 that leaves room for replacements");
        }

        _units = new uint[size / 4];
        for (int i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(data[(4 + (4 * i))..]);
        _replacements = data[(4 + (int)size)..].ToArray();
    }

    /// <summary>Finds the longest rule that the text begins with.</summary>
    /// <param name="text">Text to look into.</param>
    /// <param name="length">Bytes that the rule replaces.</param>
    /// <param name="replacement">What replaces them.</param>
    public bool TryMatch(ReadOnlySpan<byte> text, out int length, out ReadOnlySpan<byte> replacement)
    {
        length = 0;
        replacement = [];
        if (_units.Length == 0) return false;
        uint node = Base(_units[0]);
        for (int i = 0; i < text.Length; i++)
        {
            byte label = text[i];
            node ^= label;
            if (label == 0 || node >= _units.Length || (_units[node] & 0x800000FF) != label) break;
            uint unit = _units[node];
            node ^= Base(unit);
            if ((unit & 0x100) == 0) continue;
            if (node >= _units.Length || !TryReadReplacement(_units[node] & 0x7FFFFFFF, out ReadOnlySpan<byte> found)) break;
            length = i + 1;
            replacement = found;
        }

        return length > 0;
    }

    private bool TryReadReplacement(uint offset, out ReadOnlySpan<byte> replacement)
    {
        replacement = offset < _replacements.Length ? _replacements.AsSpan((int)offset) : [];
        int end = replacement.IndexOf((byte)0);
        if (end >= 0) replacement = replacement[..end];
        return end >= 0;
    }

    private static uint Base(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
