namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>Cuts ordinary text, special tokens already taken out, into tokens. Safe to use from many threads.</summary>
internal abstract class Segmenter
{
    /// <summary>U+2581, which stands for a space in the tokens of most vocabularies.</summary>
    public static ReadOnlySpan<byte> EscapedSpace => "▁"u8;

    /// <summary>Appends the tokens of a piece of text.</summary>
    /// <param name="text">UTF-8; anything else is coped with.</param>
    /// <param name="startsText">Whether the piece stands at the start or after a special token.</param>
    /// <param name="tokens">Receives the ids.</param>
    public abstract void Encode(ReadOnlySpan<byte> text, bool startsText, List<int> tokens);

    /// <summary>Replaces every space by U+2581; returns the length written to <paramref name="escaped"/> (at most three times the text's).</summary>
    protected static int EscapeSpaces(ReadOnlySpan<byte> text, Span<byte> escaped)
    {
        int written = 0;
        while (true)
        {
            int space = text.IndexOf((byte)' ');
            ReadOnlySpan<byte> run = space < 0 ? text : text[..space];
            run.CopyTo(escaped[written..]);
            written += run.Length;
            if (space < 0) return written;
            EscapedSpace.CopyTo(escaped[written..]);
            written += EscapedSpace.Length;
            text = text[(space + 1)..];
        }
    }
}
