namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

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
