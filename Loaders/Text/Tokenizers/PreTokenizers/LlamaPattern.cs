namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>How <see cref="LlamaPattern"/> makes words of letters.</summary>
internal enum LetterRule
{
    /// <summary><c>\p{L}+</c></summary>
    Letters,

    /// <summary><c>[\p{L}\p{M}]+</c></summary>
    LettersAndMarks,
}

/// <summary>
/// Llama 3 and its many relatives:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>;
/// they differ in the size of number groups, in what a letter is, and in the line ends after punctuation.
/// </summary>
/// <param name="MaximumDigits">Largest group of numbers.</param>
/// <param name="Letters">What makes a word.</param>
/// <param name="LineEnds">Most line ends that stay with the punctuation before them.</param>
internal readonly record struct LlamaPattern(int MaximumDigits, LetterRule Letters = LetterRule.Letters, int LineEnds = int.MaxValue)
    : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int words = MatchWord(text, at, end);
        return words > at ? words : WhiteSpaceTail.MatchLines(text, at, end);
    }

    /// <summary>All alternatives but those for white space.</summary>
    private int MatchWord(ClassifiedText text, int at, int end)
    {
        int contraction = Contractions.Match(text, at, end, ignoreCase: true);
        if (contraction > at) return contraction;

        // [^\r\n\p{L}\p{N}]? before a word; where no letter follows, the character itself may begin one (a mark).
        CharClass letters = Letters == LetterRule.LettersAndMarks ? CharClass.Letter | CharClass.Mark : CharClass.Letter;
        if (text.Is(at, CharClass.Letter)) return SkipWord(text, at, end);
        if (text.Is(at, CharClass.Number)) return text.SkipRun(CharClass.Number, at, (int)Math.Min(end, (long)at + MaximumDigits));
        if (!text.IsNewLine(at) && at + 1 < end && text.Is(at + 1, letters)) return SkipWord(text, at + 1, end);
        if (text.Is(at, letters)) return SkipWord(text, at, end);

        CharClass notPunctuation = letters | CharClass.Number | CharClass.Space;
        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        return text.Is(first, notPunctuation)
            ? at
            : text.SkipNewLines(text.SkipOutside(notPunctuation, first, end), end, LineEnds);
    }

    private int SkipWord(ClassifiedText text, int at, int end) =>
        text.SkipRun(Letters == LetterRule.Letters ? CharClass.Letter : CharClass.Letter | CharClass.Mark, at, end);
}
