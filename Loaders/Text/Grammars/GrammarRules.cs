using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// The rules while they are being read: alternatives of elements for each rule, and the sets of characters. Repetitions become rules of
/// their own, so that only sequences and choices are left.
/// </summary>
internal sealed class GrammarRules
{
    /// <summary>Most elements of a grammar: more than any real one has, little enough to hold.</summary>
    private const int MaximumElements = 1 << 20;

    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _names = [];
    private readonly List<List<GrammarElement[]>?> _alternatives = [];
    private readonly List<CharacterSet> _sets = [];
    private readonly Dictionary<int, int> _singleCharacters = [];
    private int _elements;

    /// <summary>Number of rules.</summary>
    public int Count => _names.Count;

    /// <summary>The sets that elements refer to.</summary>
    public IReadOnlyList<CharacterSet> Sets => _sets;

    /// <summary>Name of a rule, without the prefix that tells grammars apart.</summary>
    public string Name(int rule) => _names[rule][(_names[rule].IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>Alternatives of a rule; null when it is not defined.</summary>
    public List<GrammarElement[]>? Alternatives(int rule) => _alternatives[rule];

    /// <summary>The number of a rule of this name, made if need be.</summary>
    public int Number(string name)
    {
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, name, out bool known);
        if (known) return number;
        number = _names.Count;
        _names.Add(name);
        _alternatives.Add(null);
        return number;
    }

    /// <summary>Whether rules of this name are defined.</summary>
    public bool Has(string name) => _numbers.TryGetValue(name, out int number) && _alternatives[number] is not null;

    /// <summary>A new rule that no text can name.</summary>
    public int Generate(string baseName) => Number($"{baseName}_{Count}");

    /// <summary>Defines a rule; false when it has been defined before.</summary>
    public bool Define(int rule, List<GrammarElement[]> alternatives)
    {
        if (_alternatives[rule] is not null) return false;
        foreach (GrammarElement[] alternative in alternatives) CountElements(alternative.Length + 1);
        _alternatives[rule] = alternatives;
        return true;
    }

    /// <summary>An element for a set of characters.</summary>
    public GrammarElement Set(CharacterSet set)
    {
        int index = _sets.FindIndex(known => known.SameAs(set));
        if (index < 0)
        {
            index = _sets.Count;
            _sets.Add(set);
        }

        return new GrammarElement(GrammarElementKind.Set, index);
    }

    /// <summary>An element for one character.</summary>
    public GrammarElement Character(int codePoint)
    {
        if (!_singleCharacters.TryGetValue(codePoint, out int index))
            _singleCharacters[codePoint] = index = Set(new CharacterSet([(codePoint, codePoint)])).Value;
        return new GrammarElement(GrammarElementKind.Set, index);
    }

    /// <summary>
    /// Elements for at least <paramref name="least"/> and at most <paramref name="most"/> (null: any number) times an item:
    /// the item that often, then S' ::= S S' | (nothing) without end, or S'(n) ::= S S'(n-1) | (nothing).
    /// </summary>
    public List<GrammarElement> Repeat(string baseName, List<GrammarElement> item, int least, int? most)
    {
        if (item.Count > 1 && least + (most ?? 0) > 1)
        {
            // Copies of a rule are cheaper than copies of what it stands for.
            int shared = Generate(baseName);
            Define(shared, [[.. item]]);
            item = [new GrammarElement(GrammarElementKind.Rule, shared)];
        }

        List<GrammarElement> result = [];
        for (int i = 0; i < least; i++) result.AddRange(item);
        if (most is null)
        {
            int again = Generate(baseName);
            var self = new GrammarElement(GrammarElementKind.Rule, again);
            Define(again, [[.. item, self], []]);
            result.Add(self);
        }
        else
        {
            GrammarElement[] inner = [];
            for (int i = least; i < most; i++)
            {
                int optional = Generate(baseName);
                Define(optional, [[.. item, .. inner], []]);
                inner = [new GrammarElement(GrammarElementKind.Rule, optional)];
            }

            result.AddRange(inner);
        }

        CountElements(result.Count);
        return result;
    }

    /// <summary>A rule for any text up to the first <paramref name="end"/>, that end, and what comes behind it.</summary>
    /// <param name="baseName">For the names of the rules.</param>
    /// <param name="end">Not empty.</param>
    /// <param name="behind">The elements that come behind.</param>
    public int Until(string baseName, string end, List<GrammarElement> behind)
    {
        // A rule for each beginning of the end that may have been read, as Knuth, Morris and Pratt search a text.
        int[] wanted = [.. end.EnumerateRunes().Select(rune => rune.Value)], letters = [.. wanted.Distinct()];
        int[] rules = [.. wanted.Select(_ => Generate(baseName))];
        GrammarElement other = Set(new CharacterSet(letters.Select(letter => (letter, letter)), negated: true));
        for (int read = 0; read < wanted.Length; read++)
        {
            List<GrammarElement[]> ways = [[other, new GrammarElement(GrammarElementKind.Rule, rules[0])]];
            foreach (int letter in letters)
            {
                int next = Beginning([.. wanted[..read], letter]);
                ways.Add(next == wanted.Length ? [Character(letter), .. behind] : [Character(letter), new GrammarElement(GrammarElementKind.Rule, rules[next])]);
            }

            Define(rules[read], ways);
        }

        return rules[0];

        // The longest beginning of the end with which a text ends.
        int Beginning(ReadOnlySpan<int> text)
        {
            int length = text.Length;
            while (!text.EndsWith(wanted.AsSpan(0, length))) length--;
            return length;
        }
    }

    private void CountElements(int count)
    {
        _elements += count;
        if (_elements > MaximumElements) throw new GrammarException($"grammar: more than {MaximumElements} elements after repetitions are written out");
    }
}
