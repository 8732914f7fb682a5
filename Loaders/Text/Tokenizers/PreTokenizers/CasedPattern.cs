namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-4o (o200k) and Tekken: words end where lower case turns into upper case. With
/// U = <c>[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]</c>, D = <c>[\p{Ll}\p{Lm}\p{Lo}\p{M}]</c>, P = <c>[^\r\n\p{L}\p{N}]</c>:
/// <c>P?U*D+c?|P?U+D*c?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, c a contraction in any case.
/// This is the pattern of the models themselves; llama.cpp approximates U and D by "letter, not a-z" and "letter, not A-Z".
/// </summary>
/// <param name="MaximumDigits">Largest group of numbers.</param>
/// <param name="KeepsContractions">Whether a contraction stays with its word.</param>
internal readonly record struct CasedPattern(int MaximumDigits, bool KeepsContractions) : IWordPattern
{
    private const CharClass Upper =
        CharClass.UpperCase | CharClass.TitleCase | CharClass.ModifierLetter | CharClass.OtherLetter | CharClass.Mark;

    private const CharClass Lower = CharClass.LowerCase | CharClass.ModifierLetter | CharClass.OtherLetter | CharClass.Mark;

    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int word = MatchWord(text, at, end);
        if (word > at) return KeepsContractions ? Contractions.Match(text, word, end, ignoreCase: true) : word;
        if (text.Is(at, CharClass.Number)) return text.SkipRun(CharClass.Number, at, (int)Math.Min(end, (long)at + MaximumDigits));

        const CharClass NotPunctuation = CharClass.Letter | CharClass.Number | CharClass.Space;
        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        if (text.Is(first, NotPunctuation)) return WhiteSpaceTail.MatchLines(text, at, end);
        int punctuationEnd = text.SkipOutside(NotPunctuation, first, end);
        while (punctuationEnd < end && (text.IsNewLine(punctuationEnd) || text.CodePoint(punctuationEnd) == '/')) punctuationEnd++;
        return punctuationEnd;
    }

    /// <summary>The two word alternatives, each first with the leading character P, then without, as a regular expression backtracks.</summary>
    private static int MatchWord(ClassifiedText text, int at, int end)
    {
        bool mayLead = !text.IsNewLine(at) && !text.Is(at, CharClass.Letter | CharClass.Number) && at + 1 < end;
        if (mayLead)
        {
            int match = MatchLowerEnd(text, at + 1, end);
            if (match > at + 1) return match;
        }

        int plain = MatchLowerEnd(text, at, end);
        if (plain > at) return plain;

        if (mayLead)
        {
            int match = text.SkipRun(Upper, at + 1, end);
            if (match > at + 1) return match;
        }

        // D* after U+ is empty here: had a D followed, the first alternative would have matched.
        return text.SkipRun(Upper, at, end);
    }

    /// <summary>U*D+: where no D follows the run of U, the run gives characters back up to its last one that is also a D.</summary>
    private static int MatchLowerEnd(ClassifiedText text, int at, int end)
    {
        int upperEnd = text.SkipRun(Upper, at, end);
        int lowerEnd = text.SkipRun(Lower, upperEnd, end);
        if (lowerEnd > upperEnd) return lowerEnd;
        int last = upperEnd;
        while (last > at && !text.Is(last - 1, Lower)) last--;
        return last;
    }
}
