namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>
/// A canonical prefix code (WebP lossless specification, 6.2.1). The first bit read is a code's most significant one, so look-ups go by
/// reversed codes; those longer than <see cref="LookupBits"/> are compared with the first code of each length.
/// </summary>
internal sealed class PrefixCode
{
    public const int LongestCode = 15;

    private const int LookupBits = 8;

    private readonly int _bits;

    /// <summary>symbol &lt;&lt; 4 | length for each reversed prefix; 0: the code is longer.</summary>
    private readonly ushort[] _lookup;

    private readonly ushort[] _symbols = [];
    private readonly int[] _end = [];
    private readonly int[] _offset = [];

    /// <summary>A code of a single symbol takes no bits.</summary>
    public PrefixCode(int symbol) => _lookup = [(ushort)(symbol << 4)];

    /// <param name="lengths">Length of each symbol's code, 0: the symbol does not occur.</param>
    public PrefixCode(ReadOnlySpan<byte> lengths)
    {
        Span<int> count = stackalloc int[LongestCode + 1];
        count.Clear();
        int used = 0, only = 0, longest = 0;
        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            if (lengths[symbol] == 0) continue;
            count[lengths[symbol]]++;
            (used, only, longest) = (used + 1, symbol, Math.Max(longest, lengths[symbol]));
        }

        if (used <= 1)
        {
            _lookup = [(ushort)(only << 4)];
            return;
        }

        _bits = Math.Min(longest, LookupBits);
        _lookup = new ushort[1 << _bits];
        _symbols = new ushort[used];
        (_end, _offset) = (new int[LongestCode + 1], new int[LongestCode + 1]);
        int code = 0, index = 0;
        Span<int> next = stackalloc int[LongestCode + 1];
        for (int length = 1; length <= LongestCode; length++)
        {
            _offset[length] = index - code;
            next[length] = code;
            code += count[length];
            index += count[length];
            _end[length] = code << (LongestCode - length);
            if (code > 1 << length) throw new ImageFormatException("WebP: a prefix code with too many codes");
            code <<= 1;
        }

        if (code != 1 << (LongestCode + 1)) throw new ImageFormatException("WebP: a prefix code that is not complete");
        for (int symbol = 0; symbol < lengths.Length; symbol++)
            if (lengths[symbol] != 0) Add(symbol, lengths[symbol], next[lengths[symbol]]++);
    }

    /// <summary>Decodes a symbol; the reader must hold 15 bits.</summary>
    public int Decode(ref LosslessBits bits)
    {
        int entry = _lookup[bits.Peek(_bits)];
        if (entry != 0 || _bits == 0)
        {
            bits.Consume(entry & 15);
            return entry >> 4;
        }

        int head = Reverse(bits.Peek(LongestCode), LongestCode);
        for (int length = LookupBits + 1; length < LongestCode; length++)
            if (head < _end[length]) return Take(ref bits, head, length);
        return Take(ref bits, head, LongestCode);
    }

    private int Take(ref LosslessBits bits, int head, int length)
    {
        bits.Consume(length);
        return _symbols[(head >> (LongestCode - length)) + _offset[length]];
    }

    private void Add(int symbol, int length, int code)
    {
        _symbols[code + _offset[length]] = (ushort)symbol;
        if (length > _bits) return;
        for (int prefix = Reverse(code, length); prefix < _lookup.Length; prefix += 1 << length)
            _lookup[prefix] = (ushort)(symbol << 4 | length);
    }

    private static int Reverse(int code, int length)
    {
        int reversed = 0;
        for (int i = 0; i < length; i++, code >>= 1) reversed = reversed << 1 | code & 1;
        return reversed;
    }
}
