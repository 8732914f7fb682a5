namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>A bracket expression: classes and ranges of code points, or everything else.</summary>
internal sealed class CharSet
{
    private readonly CharClass _classes;
    private readonly int[] _bounds;
    private readonly bool _negated;

    private CharSet(CharClass classes, int[] bounds, bool negated) => (_classes, _bounds, _negated) = (classes, bounds, negated);

    /// <summary>Creates a set.</summary>
    /// <param name="classes">Classes in the set.</param>
    /// <param name="ranges">Inclusive ranges, ascending and apart, as <c>first last first last …</c> code points.</param>
    public static CharSet Of(CharClass classes, params int[] ranges)
    {
        for (int i = 1; i < ranges.Length; i += 2) ranges[i]++;
        return new CharSet(classes, ranges, negated: false);
    }

    /// <summary>A set of the classes and of single characters.</summary>
    public static CharSet Of(CharClass classes, string characters) =>
        Of(classes, [.. characters.EnumerateRunes().Select(rune => rune.Value).Distinct().Order().SelectMany(value => new[] { value, value })]);

    /// <summary>A set of ranges written <c>0041-005A 00B5 …</c>.</summary>
    public static CharSet Parse(string ranges) =>
        Of(CharClass.None, [.. ranges.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SelectMany(range =>
        {
            string[] parts = range.Split('-');
            return new[] { Convert.ToInt32(parts[0], 16), Convert.ToInt32(parts[^1], 16) };
        })]);

    /// <summary>Everything that is not in this set.</summary>
    public CharSet Negate() => new(_classes, _bounds, !_negated);

    /// <summary>Whether the character at <paramref name="at"/> is in the set.</summary>
    public bool Contains(ClassifiedText text, int at) => (text.Is(at, _classes) || InRanges(text.CodePoint(at))) != _negated;

    /// <summary><c>_bounds</c> is first, last + 1, first, last + 1, …: a code point is inside when an odd number of them is not above it.</summary>
    private bool InRanges(int codePoint)
    {
        int low = 0;
        int high = _bounds.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_bounds[middle] <= codePoint) low = middle + 1;
            else high = middle;
        }

        return (low & 1) != 0;
    }
}
