namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>
/// (docs/formats/tokenizers.md#words-of-byte-pair-encoding).
/// </summary>
internal readonly struct GptPattern : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int contraction = Contractions.Match(text, at, end, ignoreCase: false);
        if (contraction > at) return contraction;

        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        if (text.Is(first, CharClass.Letter)) return text.SkipRun(CharClass.Letter, first, end);
        if (text.Is(first, CharClass.Number)) return text.SkipRun(CharClass.Number, first, end);
        return text.Is(first, CharClass.Space)
            ? WhiteSpaceTail.Match(text, at, end)
            : text.SkipOutside(CharClass.Letter | CharClass.Number | CharClass.Space, first, end);
    }
}

/// <summary>The English contractions <c>'s 't 're 've 'm 'll 'd</c>, an alternative of nearly every word pattern.</summary>
internal static class Contractions
{
    /// <summary>End of a contraction at <paramref name="at"/>, or <paramref name="at"/>.</summary>
    public static int Match(ClassifiedText text, int at, int end, bool ignoreCase)
    {
        if (at + 1 >= end || text.CodePoint(at) != '\'') return at;
        int first = Letter(text.CodePoint(at + 1), ignoreCase);
        if (first is 's' or 't' or 'm' or 'd') return at + 2;
        if (first is not ('r' or 'v' or 'l') || at + 2 >= end) return at;
        int second = Letter(text.CodePoint(at + 2), ignoreCase);
        return second == (first == 'l' ? 'l' : 'e') ? at + 3 : at;
    }

    private static int Letter(int codePoint, bool ignoreCase) =>
        ignoreCase && codePoint is >= 'A' and <= 'Z' ? codePoint | 0x20 : codePoint;
}

/// <summary>The alternatives for white space that end nearly every word pattern.</summary>
internal static class WhiteSpaceTail
{
    /// <summary><c>\s+(?!\S)|\s+</c>: a run, less its last character where text follows.</summary>
    public static int Match(ClassifiedText text, int at, int end)
    {
        int runEnd = text.SkipRun(CharClass.Space, at, end);
        return runEnd < end && runEnd - at > 1 ? runEnd - 1 : runEnd;
    }

    /// <summary><c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: a run up to its last line end if it has one, else as <see cref="Match"/>.</summary>
    public static int MatchLines(ClassifiedText text, int at, int end)
    {
        int runEnd = text.SkipRun(CharClass.Space, at, end);
        for (int last = runEnd - 1; last >= at; last--)
            if (text.IsNewLine(last)) return last + 1;
        return runEnd < end && runEnd - at > 1 ? runEnd - 1 : runEnd;
    }
}
