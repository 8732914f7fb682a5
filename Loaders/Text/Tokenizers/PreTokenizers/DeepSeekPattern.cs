namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// DeepSeek 3's last pattern, run after numbers and CJK have been cut out:
/// <c>[ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal readonly struct DeepSeekPattern : IWordPattern
{
    private const CharClass Words = CharClass.Letter | CharClass.Mark;
    private const CharClass Signs = CharClass.Punctuation | CharClass.Symbol;

    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        if (at + 1 < end && IsAsciiPunctuation(text.CodePoint(at)) && IsAsciiLetter(text.CodePoint(at + 1)))
        {
            int match = at + 2;
            while (match < end && IsAsciiLetter(text.CodePoint(match))) match++;
            return match;
        }

        if (at + 1 < end && !text.IsNewLine(at) && !text.Is(at, CharClass.Letter | Signs) && text.Is(at + 1, Words))
            return text.SkipRun(Words, at + 1, end);
        if (text.Is(at, Words)) return text.SkipRun(Words, at, end);

        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        return text.Is(first, Signs)
            ? text.SkipNewLines(text.SkipRun(Signs, first, end), end)
            : WhiteSpaceTail.MatchLines(text, at, end);
    }

    private static bool IsAsciiLetter(int codePoint) => (uint)((codePoint | 0x20) - 'a') < 26;

    private static bool IsAsciiPunctuation(int codePoint) =>
        codePoint is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');
}
