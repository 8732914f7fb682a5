using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>A key, or a text that was pasted.</summary>
internal readonly record struct TypedKey(ConsoleKeyInfo Key, string? Pasted);

/// <summary>
/// Reads keys and pasted texts. A terminal that was asked to (bracketed paste) puts <c>ESC [ 200 ~</c> before what is pasted and
/// <c>ESC [ 201 ~</c> behind it, so that a line break in it is not taken for Enter. .NET does not know these and delivers them key by key.
/// </summary>
/// <param name="read">The next key, waiting for it.</param>
/// <param name="available">Whether there is one already.</param>
internal sealed class KeyReader(Func<ConsoleKeyInfo> read, Func<bool> available)
{
    private const string PasteBegins = "[200~", PasteEnds = "[201~";
    private const int LongestSequence = 16;

    /// <summary>The next key or text. Other sequences that .NET does not know are passed over.</summary>
    public TypedKey Read()
    {
        while (true)
        {
            ConsoleKeyInfo key = read();
            if (key.Key != ConsoleKey.Escape) return new TypedKey(key, null);
            if (available() && ReadSequence() == PasteBegins) return new TypedKey(default, ReadPaste());
        }
    }

    /// <summary>What follows an escape, up to the character that ends such a sequence.</summary>
    private string ReadSequence()
    {
        var sequence = new StringBuilder();
        do
        {
            char next = read().KeyChar;
            sequence.Append(next);
            if (sequence.Length == 1 ? next is not ('[' or 'O') : next is >= '@' and <= '~') break;
        }
        while (sequence.Length < LongestSequence && available());
        return sequence.ToString();
    }

    private string ReadPaste()
    {
        var text = new StringBuilder();
        while (true)
        {
            char next = read().KeyChar;
            if (next == '\e')
            {
                // Terminals take escapes out of what is pasted: this is the end.
                if (ReadSequence() == PasteEnds) return Plain(text.ToString());
            }
            else
            {
                text.Append(next);
            }
        }
    }

    /// <summary>Line breaks as one character each, tabs, and no other control characters.</summary>
    private static string Plain(string text)
    {
        string lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return string.Concat(lines.Where(c => c is '\n' or '\t' || !char.IsControl(c))).TrimEnd('\n');
    }
}
