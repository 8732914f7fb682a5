using System.Runtime.CompilerServices;
using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// The 256 letters in which byte-pair vocabularies write bytes: visible Latin-1 characters stand for themselves, the 68 others,
/// ascending, are U+0100 and up, so that a space is Ġ and a line feed Ċ.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly short[] ByteOfLetter = BuildByteOfLetter();

    /// <summary>Translates letters back to bytes; false where a character is none of the alphabet.</summary>
    /// <param name="text">A token as stored.</param>
    /// <param name="bytes">Receives the bytes; at least as long as <paramref name="text"/>.</param>
    /// <param name="count">Number of bytes written before the first such character.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> bytes, out int count)
    {
        count = 0;
        while (!text.IsEmpty)
        {
            int value = DecodeLetter(text, out int length);
            if (value < 0) return false;
            bytes[count++] = (byte)value;
            text = text[length..];
        }

        return true;
    }

    /// <summary>As <see cref="TryDecode"/>, but copies what is not in the alphabet; returns the number of bytes written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Decode(ReadOnlySpan<byte> text, Span<byte> bytes)
    {
        int written = 0;
        while (!text.IsEmpty)
        {
            int value = DecodeLetter(text, out int length);
            if (value >= 0)
            {
                bytes[written++] = (byte)value;
            }
            else
            {
                text[..length].CopyTo(bytes[written..]);
                written += length;
            }

            text = text[length..];
        }

        return written;
    }

    /// <summary>The byte that the first letter stands for, or -1 and the length of a character that is no letter.</summary>
    private static int DecodeLetter(ReadOnlySpan<byte> text, out int length)
    {
        length = 1;
        if (text[0] < 0x80) return ByteOfLetter[text[0]];
        if (text[0] is >= 0xC2 and <= 0xC5 && text.Length > 1 && (text[1] & 0xC0) == 0x80)
        {
            length = 2;
            int letter = ((text[0] & 0x1F) << 6) | (text[1] & 0x3F);
            return letter < ByteOfLetter.Length ? ByteOfLetter[letter] : -1;
        }

        Rune.DecodeFromUtf8(text, out _, out length);
        return -1;
    }

    private static short[] BuildByteOfLetter()
    {
        var byteOf = new short[0x100 + 68];
        Array.Fill(byteOf, (short)-1);
        int next = 0x100;
        for (short value = 0; value < 256; value++)
        {
            bool visible = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            byteOf[visible ? value : next++] = value;
        }

        return byteOf;
    }
}
