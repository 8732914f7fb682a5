using System.Globalization;
using System.Text;
using TinyMllm.Loaders.Text.Tokenizers.Segmenters;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>What tokens turn back into (docs/formats/tokenizers.md#tokens-to-text), and which tokens stand for single bytes.</summary>
internal static class Pieces
{
    /// <summary>The text that each token shows; empty for control, unknown and unused ones.</summary>
    /// <param name="tokens">Token texts as stored.</param>
    /// <param name="types">Their types.</param>
    /// <param name="escapesSpaces">Whether U+2581 stands for a space, else texts are in the byte alphabet.</param>
    /// <exception cref="TokenizerException">A byte token is not written <c>&lt;0xXX&gt;</c>.</exception>
    public static ByteStrings Build(ByteStringTable tokens, TokenType[] types, bool escapesSpaces)
    {
        var pieces = new ByteStrings(tokens.Count);
        Span<byte> piece = new byte[tokens.MaximumLength];
        for (int id = 0; id < tokens.Count; id++)
        {
            ReadOnlySpan<byte> text = tokens[id];
            int length = 0;
            switch (types[id])
            {
                case TokenType.Normal:
                    length = escapesSpaces ? UnescapeSpaces(text, piece) : ByteAlphabet.Decode(text, piece);
                    break;
                case TokenType.UserDefined:
                    text.CopyTo(piece);
                    length = text.Length;
                    break;
                case TokenType.Byte:
                    piece[0] = ParseByte(text, id);
                    length = 1;
                    break;
            }

            pieces.Add(piece[..length]);
        }

        return pieces;
    }

    /// <summary>For each byte the token <c>&lt;0xXX&gt;</c>, else the token whose text is that byte, else -1.</summary>
    public static int[] FindByteTokens(ByteStringTable tokens)
    {
        var found = new int[256];
        for (int value = 0; value < 256; value++)
        {
            found[value] = tokens.Find(Encoding.ASCII.GetBytes($"<0x{value:X2}>"));
            if (found[value] < 0) found[value] = tokens.Find([(byte)value]);
        }

        return found;
    }

    private static byte ParseByte(ReadOnlySpan<byte> text, int id) =>
        text.Length == 6 && text.StartsWith("<0x"u8) && text[5] == '>'
        && byte.TryParse(text[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : throw new TokenizerException(TokenizerKeys.Tokens, $"token {id} stands for a byte, but is not written <0xXX>");

    private static int UnescapeSpaces(ReadOnlySpan<byte> text, Span<byte> piece)
    {
        int written = 0;
        while (true)
        {
            int escaped = text.IndexOf(Segmenter.EscapedSpace);
            ReadOnlySpan<byte> run = escaped < 0 ? text : text[..escaped];
            run.CopyTo(piece[written..]);
            written += run.Length;
            if (escaped < 0) return written;
            piece[written++] = (byte)' ';
            text = text[(escaped + Segmenter.EscapedSpace.Length)..];
        }
    }
}
