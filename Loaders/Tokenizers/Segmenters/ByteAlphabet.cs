using System.Buffers;
using System.Text;

namespace TinyMllm.Loaders.Tokenizers.Segmenters;

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
    /// <param name="count">Number of bytes written.</param>
    public static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> bytes, out int count)
    {
        count = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(text, out Rune rune, out int length) != OperationStatus.Done) return false;
            if (rune.Value >= ByteOfLetter.Length || ByteOfLetter[rune.Value] < 0) return false;
            bytes[count++] = (byte)ByteOfLetter[rune.Value];
            text = text[length..];
        }

        return true;
    }

    /// <summary>As <see cref="TryDecode"/>, but copies what is not in the alphabet; returns the number of bytes written.</summary>
    public static int Decode(ReadOnlySpan<byte> text, Span<byte> bytes)
    {
        int written = 0;
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf8(text, out _, out int length);
            if (TryDecode(text[..length], bytes[written..], out int count)) written += count;
            else
            {
                text[..length].CopyTo(bytes[written..]);
                written += length;
            }

            text = text[length..];
        }

        return written;
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
