namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// Cuts runs of numbers out of the text, and these into groups of three counted from the right, so that a number's
/// thousands always fall into the same tokens.
/// </summary>
/// <param name="digits">What a number is made of.</param>
internal sealed class ThousandsStage(CharClass digits) : SplitStage
{
    /// <inheritdoc/>
    public override void Split(ClassifiedText text, int start, int end, List<int> ends)
    {
        for (int at = start; at < end;)
        {
            int runEnd = text.SkipRun(digits, at, end);
            if (runEnd == at)
            {
                at = text.SkipOutside(digits, at, end);
                ends.Add(at);
                continue;
            }

            int first = (runEnd - at) % 3;
            if (first > 0) ends.Add(at += first);
            while (at < runEnd) ends.Add(at += 3);
        }
    }
}

/// <summary><c>\s+$</c>: cuts off the white space at the end of a piece.</summary>
internal sealed class TrailingSpaceStage : SplitStage
{
    /// <inheritdoc/>
    public override void Split(ClassifiedText text, int start, int end, List<int> ends)
    {
        int tail = end;
        while (tail > start && text.Is(tail - 1, CharClass.Space)) tail--;
        if (tail > start) ends.Add(tail);
        if (tail < end) ends.Add(end);
    }
}

/// <summary>
/// Jais 2: Llama 3's pattern, but runs of white space are cut into powers of two:
/// <c>\s{512}(?!\S)|\s{256}(?!\S)|…|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}</c>.
/// </summary>
internal sealed class JaisStage : SplitStage
{
    private static readonly LlamaPattern Words = new(MaximumDigits: 3);

    /// <inheritdoc/>
    public override void Split(ClassifiedText text, int start, int end, List<int> ends)
    {
        for (int at = start; at < end;)
        {
            int match = Words.MatchWord(text, at, end);
            if (match > at)
            {
                ends.Add(at = match);
                continue;
            }

            at = SplitWhiteSpace(text, at, end, ends);
        }
    }

    /// <summary>
    /// Cuts a whole run at once, less its last character where text follows, since that may lead a word; a single one that does
    /// not is cut alone.
    /// </summary>
    private static int SplitWhiteSpace(ClassifiedText text, int start, int end, List<int> ends)
    {
        int runEnd = text.SkipRun(CharClass.Space, start, end);
        int at = runEnd;
        while (at > start && !text.IsNewLine(at - 1)) at--;
        if (at > start) ends.Add(at);

        int free = runEnd < end ? runEnd - 1 : runEnd;
        for (int size = 512; size >= 1; size /= 2)
            while (free - at >= size) ends.Add(at += size);
        if (at == start) ends.Add(++at);
        return at;
    }
}
