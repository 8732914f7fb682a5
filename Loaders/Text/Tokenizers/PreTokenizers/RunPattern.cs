namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>What may stand before a <see cref="RunPattern"/>.</summary>
internal enum Lead
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary><c> ?</c></summary>
    Space,

    /// <summary><c>\s?</c></summary>
    AnyWhiteSpace,
}

/// <summary>A run of characters of one set, <c>[set]{minimum,maximum}</c>, perhaps with one white-space character before it.</summary>
internal readonly record struct RunPattern(CharSet Set, int Minimum = 1, int Maximum = int.MaxValue, Lead Lead = Lead.None) : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        bool leads = Lead == Lead.Space ? text.CodePoint(at) == ' ' : Lead == Lead.AnyWhiteSpace && text.Is(at, CharClass.Space);
        if (leads && at + 1 < end && Set.Contains(text, at + 1)) return Run(text, at + 1, end);
        int match = Run(text, at, end);
        return match - at >= Minimum ? match : at;
    }

    private int Run(ClassifiedText text, int at, int end)
    {
        if (end - at > Maximum) end = at + Maximum;
        while (at < end && Set.Contains(text, at)) at++;
        return at;
    }
}

/// <summary>The first of several sets that has a run here: <c>[first]+|[second]+|…</c>.</summary>
internal readonly record struct AlternativeRunsPattern(params CharSet[] Sets) : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        foreach (CharSet set in Sets)
        {
            int match = at;
            while (match < end && set.Contains(text, match)) match++;
            if (match > at) return match;
        }

        return at;
    }
}
