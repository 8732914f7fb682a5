namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>One pattern of a pre-tokenizer: cuts a piece of text into smaller ones. Knows no state; safe to share.</summary>
internal abstract class SplitStage
{
    /// <summary>Adds the end position of every part of the piece <paramref name="start"/>..<paramref name="end"/>, the last one being <paramref name="end"/>.</summary>
    public abstract void Split(ClassifiedText text, int start, int end, List<int> ends);
}

/// <summary>What a regular expression with one leftmost-first match at a position does.</summary>
internal interface IWordPattern
{
    /// <summary>
    /// End of the match that starts at <paramref name="at"/>, or <paramref name="at"/> where there is none. Sees nothing beyond
    /// <paramref name="end"/>. Work must stay proportional to the match, or text can be made that takes quadratic time.
    /// </summary>
    int Match(ClassifiedText text, int at, int end);
}

/// <summary>Cuts a piece into the successive matches of a pattern and the gaps between them.</summary>
internal sealed class PatternStage<TPattern>(TPattern pattern) : SplitStage
    where TPattern : struct, IWordPattern
{
    /// <inheritdoc/>
    public override void Split(ClassifiedText text, int start, int end, List<int> ends)
    {
        int gap = start;
        for (int at = start; at < end;)
        {
            int matchEnd = pattern.Match(text, at, end);
            if (matchEnd == at)
            {
                at++;
                continue;
            }

            if (gap < at) ends.Add(at);
            ends.Add(matchEnd);
            gap = at = matchEnd;
        }

        if (gap < end) ends.Add(end);
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
