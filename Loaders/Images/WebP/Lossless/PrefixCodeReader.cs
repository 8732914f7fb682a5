namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>The five codes that decode a pixel (WebP lossless specification, 6.2).</summary>
/// <param name="Green">Green, or a length, or an entry of the colour cache.</param>
/// <param name="Red">Red.</param>
/// <param name="Blue">Blue.</param>
/// <param name="Alpha">Alpha.</param>
/// <param name="Distance">Distance of a back reference.</param>
internal sealed record PrefixCodeGroup(PrefixCode Green, PrefixCode Red, PrefixCode Blue, PrefixCode Alpha, PrefixCode Distance);

/// <summary>Reads prefix codes: lists of code lengths that are prefix-coded themselves (6.2.1).</summary>
internal static class PrefixCodeReader
{
    public const int Literals = 256, Lengths = 24;

    private const int Distances = 40, CodeLengthCodes = 19, DefaultLength = 8;

    private static ReadOnlySpan<byte> CodeLengthOrder => [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    public static PrefixCodeGroup ReadGroup(ref LosslessBits bits, int cacheSize)
    {
        PrefixCode green = Read(ref bits, Literals + Lengths + cacheSize), red = Read(ref bits, Literals);
        PrefixCode blue = Read(ref bits, Literals), alpha = Read(ref bits, Literals);
        return new PrefixCodeGroup(green, red, blue, alpha, Read(ref bits, Distances));
    }

    private static PrefixCode Read(ref LosslessBits bits, int alphabet)
    {
        if (bits.IsOverrun) throw new ImageFormatException("WebP: the lossless data ends within its prefix codes");
        Span<byte> lengths = stackalloc byte[alphabet];
        lengths.Clear();
        if (bits.ReadFlag())
        {
            bool isPair = bits.ReadFlag();
            int first = bits.Read(bits.ReadFlag() ? 8 : 1), second = isPair ? bits.Read(8) : first;
            if (Math.Max(first, second) >= alphabet)
                throw new ImageFormatException($"WebP: symbol {Math.Max(first, second)} of {alphabet} in a prefix code");
            if (first == second) return new PrefixCode(first);
            (lengths[first], lengths[second]) = (1, 1);
        }
        else
        {
            ReadLengths(ref bits, lengths);
        }

        return new PrefixCode(lengths);
    }

    private static void ReadLengths(ref LosslessBits bits, scoped Span<byte> lengths)
    {
        Span<byte> codeLengths = stackalloc byte[CodeLengthCodes];
        codeLengths.Clear();
        int count = 4 + bits.Read(4);
        for (int i = 0; i < count; i++) codeLengths[CodeLengthOrder[i]] = (byte)bits.Read(3);
        var code = new PrefixCode(codeLengths);

        int left = lengths.Length;
        if (bits.ReadFlag())
        {
            int lengthBits = 2 + 2 * bits.Read(3);
            left = 2 + bits.Read(lengthBits);
            if (left > lengths.Length) throw new ImageFormatException($"WebP: {left} code lengths for {lengths.Length} symbols");
        }

        byte previous = DefaultLength;
        for (int symbol = 0; symbol < lengths.Length && left > 0; left--)
        {
            bits.Refill();
            int token = code.Decode(ref bits);
            if (token <= PrefixCode.LongestCode)
            {
                lengths[symbol++] = (byte)token;
                if (token != 0) previous = (byte)token;
                continue;
            }

            (byte value, int repeat) = token switch
            {
                16 => (previous, 3 + bits.Read(2)),
                17 => ((byte)0, 3 + bits.Read(3)),
                _ => ((byte)0, 11 + bits.Read(7)),
            };
            if (symbol + repeat > lengths.Length) throw new ImageFormatException("WebP: too many code lengths");
            lengths.Slice(symbol, repeat).Fill(value);
            symbol += repeat;
        }
    }
}
