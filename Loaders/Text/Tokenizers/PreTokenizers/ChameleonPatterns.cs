namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>Chameleon's <c>&lt;sentinel:[0-9]+&gt;</c>.</summary>
internal readonly struct SentinelPattern : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int digits = Literal.Match("<sentinel:", text, at, end);
        if (digits == at) return at;
        int close = digits;
        while (close < end && text.CodePoint(close) is >= '0' and <= '9') close++;
        return close > digits && close < end && text.CodePoint(close) == '>' ? close + 1 : at;
    }
}

/// <summary>Chameleon's picture codes, <c>(IMGIMG)([A-I]{1,4})Z</c>.</summary>
internal readonly struct PictureCodePattern : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int letters = Literal.Match("IMGIMG", text, at, end);
        if (letters == at) return at;
        int close = letters;
        while (close < end && close - letters < 4 && text.CodePoint(close) is >= 'A' and <= 'I') close++;
        return close > letters && close < end && text.CodePoint(close) == 'Z' ? close + 1 : at;
    }
}

/// <summary>Chameleon's indentation: <c>[\t\n]|    |  </c> (one tab or line feed, four spaces, two spaces).</summary>
internal readonly struct IndentPattern : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        if (text.CodePoint(at) is '\t' or '\n') return at + 1;
        int four = Literal.Match("    ", text, at, end);
        return four > at ? four : Literal.Match("  ", text, at, end);
    }
}

/// <summary>Plain text in a pattern.</summary>
internal static class Literal
{
    /// <summary>End of <paramref name="literal"/> (ASCII) at <paramref name="at"/>, or <paramref name="at"/>.</summary>
    public static int Match(string literal, ClassifiedText text, int at, int end)
    {
        if (end - at < literal.Length) return at;
        for (int i = 0; i < literal.Length; i++)
            if (text.CodePoint(at + i) != literal[i]) return at;
        return at + literal.Length;
    }
}
