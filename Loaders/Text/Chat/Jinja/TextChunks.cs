namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>
/// Cuts a line into pieces between which it may be broken, where Python's textwrap does: at white space, behind hyphens, around dashes.
/// </summary>
internal static class TextChunks
{
    /// <summary>The pieces in order.</summary>
    /// <param name="line">The line.</param>
    /// <param name="atHyphens">Whether words may be broken behind their hyphens.</param>
    public static IEnumerable<string> Of(string line, bool atHyphens)
    {
        for (int start = 0, end; start < line.Length; start = end)
        {
            bool blank = char.IsWhiteSpace(line[start]);
            end = start + 1;
            if (blank)
            {
                while (end < line.Length && char.IsWhiteSpace(line[end])) end++;
            }
            else if (atHyphens && start > 0 && IsWordOrMark(line[start - 1]) && DashEnd(line, start) is var dash and > 0)
            {
                end = dash;
            }
            else
            {
                while (end < line.Length && !char.IsWhiteSpace(line[end]) && !(atHyphens && BreaksAt(line, end))) end++;
            }

            yield return line[start..end];
        }
    }

    /// <summary>Whether a piece may end before a place: behind the hyphen of a compound, or before a dash.</summary>
    private static bool BreaksAt(string line, int end) =>
        (line[end - 1] == '-' && FollowsWord(line, end - 1) && BeginsWord(line, end))
            || (IsWordOrMark(line[end - 1]) && DashEnd(line, end) > 0);

    /// <summary>Two letters before the hyphen, or a letter, a hyphen and a character.</summary>
    private static bool FollowsWord(string line, int hyphen) =>
        (hyphen >= 2 && IsLetter(line[hyphen - 1]) && IsLetter(line[hyphen - 2]))
        || (hyphen >= 3 && IsWordOrMark(line[hyphen - 1]) && line[hyphen - 2] == '-' && IsLetter(line[hyphen - 3]));

    /// <summary>Two letters, between which a hyphen may stand.</summary>
    private static bool BeginsWord(string line, int at)
    {
        if (at >= line.Length || !IsLetter(line[at])) return false;
        int next = at + 1 < line.Length && line[at + 1] == '-' ? at + 2 : at + 1;
        return next < line.Length && IsLetter(line[next]);
    }

    /// <summary>The end of two or more hyphens before a word; 0 if there are none here.</summary>
    private static int DashEnd(string line, int at)
    {
        int end = at;
        while (end < line.Length && line[end] == '-') end++;
        return end - at >= 2 && end < line.Length && IsWord(line[end]) ? end : 0;
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static bool IsLetter(char c) => IsWord(c) && !char.IsDigit(c);

    private static bool IsWordOrMark(char c) => IsWord(c) || "!\"'&.,?".Contains(c);
}
