using System.Buffers;
using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>Reading UTF-8 that may be anything.</summary>
internal static class Utf8Bytes
{
    /// <summary>Length of a character as its first byte claims, continuation bytes counting as one.</summary>
    public static int LengthFromLead(byte lead) => lead switch
    {
        < 0xC0 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    /// <summary>Copies text with U+FFFD in place of every byte that is not part of a character; returns the length written (at most three times the text's).</summary>
    public static int Repair(ReadOnlySpan<byte> text, Span<byte> repaired)
    {
        int written = 0;
        while (!text.IsEmpty)
        {
            bool good = Rune.DecodeFromUtf8(text, out Rune rune, out int length) == OperationStatus.Done;
            if (!good) length = 1;
            written += rune.EncodeToUtf8(repaired[written..]); // U+FFFD where decoding failed
            text = text[length..];
        }

        return written;
    }
}
