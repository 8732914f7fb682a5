using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// A Huffman table (T.81, annex C), laid out for decoding from a left-aligned bit buffer: codes of up to <see cref="LookupBits"/> bits are
/// found by one look-up, longer ones by comparing with the first code of each length.
/// </summary>
internal sealed class HuffmanTable
{
    public const int LongestCode = 16, LookupBits = 10;

    private readonly byte[] _symbols;

    /// <summary>length &lt;&lt; 8 | symbol for each prefix; 0: the code is longer.</summary>
    private readonly ushort[] _lookup = new ushort[1 << LookupBits];

    /// <summary>For each length: one past the last code, left-aligned in 16 bits.</summary>
    private readonly int[] _end = new int[LongestCode + 1];

    /// <summary>For each length: index of the first symbol minus the first code.</summary>
    private readonly int[] _offset = new int[LongestCode + 1];

    /// <param name="lengths">Number of codes of 1 … 16 bits.</param>
    /// <param name="symbols">The symbols in the order of their codes.</param>
    public HuffmanTable(ReadOnlySpan<byte> lengths, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= LongestCode; length++)
        {
            int count = lengths[length - 1];
            _offset[length] = index - code;
            if (code + count > 1 << length) throw new ImageFormatException($"JPEG: a Huffman table with too many codes of {length} bits");
            for (int i = 0; i < count; i++, code++, index++)
            {
                    if (length <= LookupBits)
                        _lookup.AsSpan(code << (LookupBits - length), 1 << (LookupBits - length)).Fill((ushort)(length << 8 | symbols[index]));
            }

            _end[length] = code << (LongestCode - length);
            code <<= 1;
        }

        FillWhole();
    }

    /// <summary>
    /// Whole AC coefficients for each prefix that holds both the code and the extra bits, as value &lt;&lt; 16 | run &lt;&lt; 8 | bits; 0:
    /// take the long way. Most coefficients of a photograph are found here.
    /// </summary>
    public int[] Whole { get; } = new int[1 << LookupBits];

    /// <summary>Decodes the symbol at the head of the reader, which must hold 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Decode(ref BitReader reader)
    {
        ushort entry = _lookup[reader.Peek(LookupBits)];
        if (entry != 0)
        {
            reader.Consume(entry >> 8);
            return entry & 255;
        }

        int head = reader.Peek(LongestCode);
        for (int length = LookupBits + 1; length <= LongestCode; length++)
        {
            if (head >= _end[length]) continue;
            reader.Consume(length);
            return _symbols[(head >> (LongestCode - length)) + _offset[length]];
        }

        throw new ImageFormatException("JPEG: a Huffman code that the table does not have");
    }

    private void FillWhole()
    {
        for (int prefix = 0; prefix < Whole.Length; prefix++)
        {
            (int length, int run, int size) = (_lookup[prefix] >> 8, _lookup[prefix] >> 4 & 15, _lookup[prefix] & 15);
            if (length == 0 || size == 0 || length + size > LookupBits) continue;
            int extra = prefix >> (LookupBits - length - size) & ((1 << size) - 1);
            Whole[prefix] = BitReader.Extend(extra, size) << 16 | run << 8 | (length + size);
        }
    }
}
