namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

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
