namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// Code points that no set of the grammar tells apart, as classes: the ranges between all the places where some set begins or ends.
/// A grammar has a few dozen, so tables by class are small.
/// </summary>
internal sealed class CharacterClasses
{
    private readonly int[] _starts;
    private readonly byte[][] _membership;
    private readonly int[] _ascii = new int[128];

    public CharacterClasses(Grammar grammar)
    {
        SortedSet<int> starts = [0];
        foreach (CharacterSet set in grammar.Sets)
        {
            foreach (var (first, last) in set.Ranges)
            {
                starts.Add(first);
                starts.Add(last + 1);
            }
        }

        _starts = [.. starts];
        _membership = new byte[grammar.Sets.Length][];
        for (int i = 0; i < _membership.Length; i++)
        {
            byte[] row = _membership[i] = new byte[_starts.Length];
            foreach (var (first, last) in grammar.Sets[i].Ranges)
            {
                for (int c = Array.BinarySearch(_starts, first); c < _starts.Length && _starts[c] <= last; c++) row[c] = 1;
            }
        }

        for (int i = 0; i < _ascii.Length; i++) _ascii[i] = Search(i);
    }

    /// <summary>Number of classes.</summary>
    public int Count => _starts.Length;

    /// <summary>Class of a code point.</summary>
    public int Of(int codePoint) => codePoint < _ascii.Length ? _ascii[codePoint] : Search(codePoint);

    /// <summary>True when the set holds the class.</summary>
    public bool IsIn(int characterClass, int set) => _membership[set][characterClass] != 0;

    private int Search(int codePoint)
    {
        int index = Array.BinarySearch(_starts, codePoint);
        return index >= 0 ? index : ~index - 1;
    }
}
