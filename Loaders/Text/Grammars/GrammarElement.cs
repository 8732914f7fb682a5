namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>What a grammar element is.</summary>
internal enum GrammarElementKind : byte
{
    /// <summary>The end of an alternative.</summary>
    End,

    /// <summary>A reference to a rule.</summary>
    Rule,

    /// <summary>One character of a set.</summary>
    Set,

    /// <summary>One exact token.</summary>
    Token,

    /// <summary>Any token but one.</summary>
    NotToken,
}

/// <summary>One element of an alternative.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Index of the rule or set, or the token id.</param>
internal readonly record struct GrammarElement(GrammarElementKind Kind, int Value)
{
    /// <summary>The end of an alternative.</summary>
    public static GrammarElement End => new(GrammarElementKind.End, 0);

    /// <summary>True for elements that something of the text must match.</summary>
    public bool IsTerminal => Kind >= GrammarElementKind.Set;
}

/// <summary>A set of code points: sorted ranges that do not touch.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;
    private readonly (int First, int Last)[] _ranges;

    /// <summary>The union of ranges, or everything else.</summary>
    public CharacterSet(IEnumerable<(int First, int Last)> ranges, bool negated = false)
    {
        List<(int First, int Last)> merged = [];
        foreach (var range in ranges.OrderBy(range => range.First))
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else merged.Add(range);
        }

        _ranges = negated ? Complement(merged) : [.. merged];
    }

    /// <summary>Every character.</summary>
    public static CharacterSet Any { get; } = new([(0, Last)]);

    /// <summary>The ranges.</summary>
    public ReadOnlySpan<(int First, int Last)> Ranges => _ranges;

    /// <summary>True when any code point from first to last is in the set.</summary>
    public bool Overlaps(int first, int last)
    {
        foreach (var range in _ranges)
        {
            if (range.First <= last && first <= range.Last) return true;
        }

        return false;
    }

    /// <summary>True when the sets hold the same.</summary>
    public bool SameAs(CharacterSet other) => Ranges.SequenceEqual(other.Ranges);

    private static (int, int)[] Complement(List<(int First, int Last)> ranges)
    {
        List<(int, int)> rest = [];
        int next = 0;
        foreach (var (first, last) in ranges)
        {
            if (first > next) rest.Add((next, first - 1));
            next = last + 1;
        }

        if (next <= Last) rest.Add((next, Last));
        return [.. rest];
    }
}
