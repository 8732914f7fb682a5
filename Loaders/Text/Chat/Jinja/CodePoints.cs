using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Strings as templates see them: sequences of code points.</summary>
internal static class CodePoints
{
    /// <summary>Number of code points.</summary>
    public static int Count(string text)
    {
        int count = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1])) count--;
        }

        return count;
    }

    /// <summary>One string per code point.</summary>
    public static List<object?> Split(string text)
    {
        var parts = new List<object?>(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int length = char.IsSurrogatePair(text, i) ? 2 : 1;
            parts.Add(text.Substring(i, length));
            i += length;
        }

        return parts;
    }

    /// <summary>UTF-16 offset of a code point.</summary>
    public static int Offset(string text, int index)
    {
        int offset = 0;
        for (; index > 0 && offset < text.Length; index--) offset += char.IsSurrogatePair(text, offset) ? 2 : 1;
        return offset;
    }

    /// <summary>Order by code point; UTF-16 order differs above U+FFFF.</summary>
    public static int Compare(string a, string b)
    {
        int i = 0;
        while (i < a.Length && i < b.Length && a[i] == b[i]) i++;
        if (i == a.Length || i == b.Length) return a.Length.CompareTo(b.Length);
        bool aHigh = char.IsSurrogate(a[i]), bHigh = char.IsSurrogate(b[i]);
        return aHigh != bHigh ? aHigh.CompareTo(bHigh) : a[i].CompareTo(b[i]);
    }

    /// <summary>First character upper case, the others lower case.</summary>
    public static string Capitalise(string text)
    {
        if (text.Length == 0) return text;
        int first = char.IsSurrogatePair(text, 0) ? 2 : 1;
        return text[..first].ToUpperInvariant() + text[first..].ToLowerInvariant();
    }

    /// <summary>Every word's first letter upper case, the others lower case; a word begins after anything that is no letter.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inWord = false;
        foreach (char c in text)
        {
            result.Append(inWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inWord = char.IsLetter(c);
        }

        return result.ToString();
    }
}
