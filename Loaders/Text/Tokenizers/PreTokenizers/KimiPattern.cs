namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// Kimi K2: a run of Han; a word of other letters with at most one character before and a contraction after; numbers in groups
/// of up to three; <c> ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal readonly struct KimiPattern : IWordPattern
{
    private static readonly CharSet Han =
        CharSet.Parse("3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B73F 2B740-2B81F 2B820-2CEAF 2CEB0-2EBEF 2F800-2FA1F");

    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int match = at;
        while (match < end && Han.Contains(text, match)) match++;
        if (match > at) return match;

        bool leads = !text.IsNewLine(at) && !text.Is(at, CharClass.Letter | CharClass.Number);
        int word = leads ? at + 1 : at;
        match = word;
        while (match < end && text.Is(match, CharClass.Letter) && !Han.Contains(text, match)) match++;
        if (match > word) return Contractions.Match(text, match, end, ignoreCase: true);

        if (text.Is(at, CharClass.Number)) return text.SkipRun(CharClass.Number, at, Math.Min(end, at + 3));

        const CharClass NotPunctuation = CharClass.Letter | CharClass.Number | CharClass.Space;
        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        return text.Is(first, NotPunctuation)
            ? WhiteSpaceTail.MatchLines(text, at, end)
            : text.SkipNewLines(text.SkipOutside(NotPunctuation, first, end), end);
    }
}
