using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// Turns a regular expression of a schema's <c>pattern</c> into GBNF for the inside of a JSON string: anchors, literals, sets, <c>.</c>, <c>\d \w \s</c>
/// (and their opposites), groups, choices and repetitions. Look-around, back references and word boundaries are refused. Counts beyond what a
/// grammar can count are loosened.
/// </summary>
internal sealed class PatternConverter
{
    private const int MaximumDepth = 100;
    private readonly string _pattern;
    private readonly string _path;
    private readonly RepetitionBudget _budget;
    private int _position;
    private int _depth;

    /// <summary>How often the last item stands there once the repetitions inside of it are written out.</summary>
    private long _copies = 1;

    private PatternConverter(string pattern, string path, RepetitionBudget budget) => (_pattern, _path, _budget) = (pattern, path, budget);

    /// <summary>
    /// The expression's grammar; where it is not anchored, any characters may come before and after. A length beside it is held to if one
    /// repeated character is all that varies in length, as in <c>^[A-Z][a-z]*$</c>; else the expression alone counts.
    /// </summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="budget">How much may still be counted.</param>
    /// <param name="least">Fewest characters of the string.</param>
    /// <param name="most">Most characters; null: any number.</param>
    public static string Convert(string pattern, string path, RepetitionBudget budget, long least = 0, long? most = null)
    {
        bool fromStart = pattern.StartsWith('^');
        string body = fromStart ? pattern[1..] : pattern;
        int backslashes = body.Length - 1 - (body.EndsWith('$') ? body[..^1].TrimEnd('\\').Length : 0);
        bool toEnd = body.EndsWith('$') && backslashes % 2 == 0;
        if (toEnd) body = body[..^1];
        var converter = new PatternConverter(body, path, budget);
        List<List<Item>> choices = converter.ParseChoice();
        if (converter._position < body.Length) throw converter.Error("')' without '('");
        if (fromStart && toEnd && choices is [var only]) converter.Limit(only, least, most);
        return $"{(fromStart ? "" : "char* ")}({Write(choices)}){(toEnd ? "" : " char*")}";
    }

    /// <summary>Lays the bounds of a string's length over those of the one item whose repetitions vary.</summary>
    private void Limit(List<Item> items, long least, long? most)
    {
        int[] varying = [.. Enumerable.Range(0, items.Count).Where(i => items[i].Most != items[i].Least)];
        if (varying is not [var place] || !items.TrueForAll(item => item.IsCharacter)) return;
        long others = items.Sum(item => item.Most == item.Least ? item.Least : 0);
        Item old = items[place];
        Item tight = old with { Least = Math.Max(old.Least, least - others), Most = Math.Min(old.Most ?? long.MaxValue, most - others ?? long.MaxValue) };
        if (tight.Most == long.MaxValue) tight = tight with { Most = null };
        if (!(tight.Most < tight.Least) && _budget.TrySpend(tight.Most ?? tight.Least)) items[place] = tight;
    }

    private static string Write(List<List<Item>> choices) => string.Join(" | ", choices.Select(items =>
        items.Count == 0 ? "\"\"" : string.Join(' ', items.Select(item => GbnfText.Repeat(item.Text, item.Least, item.Most)))));

    private List<List<Item>> ParseChoice()
    {
        if (++_depth > MaximumDepth) throw Error("groups nested too deep");
        List<List<Item>> choices = [ParseSequence()];
        long copies = _copies;
        while (Current == '|')
        {
            _position++;
            choices.Add(ParseSequence());
            copies = Math.Max(copies, _copies);
        }

        _copies = copies;
        _depth--;
        return choices;
    }

    private List<Item> ParseSequence()
    {
        List<Item> items = [];
        long copies = 1;
        while (_position < _pattern.Length && Current is not ('|' or ')'))
        {
            _copies = 1;
            bool character = Current != '(';
            items.Add(ParseRepetition(new Item(ParseItem(), character, 1, 1)));
            copies = Math.Max(copies, _copies);
        }

        _copies = copies;
        return items;
    }

    private string ParseItem()
    {
        char c = Current;
        switch (c)
        {
            case '(':
                _position++;
                if (Current == '?')
                {
                    if (!Ahead("?:")) throw Error("only plain and '(?:' groups are supported");
                    _position += 2;
                }

                string inside = Write(ParseChoice());
                if (Current != ')') throw Error("'(' without ')'");
                _position++;
                return $"({inside})";
            case '[':
                return ParseSet();
            case '.':
                _position++;
                return "char";
            case '^' or '$' or '*' or '+' or '?' or '{':
                throw Error($"'{c}' is not supported here");
            case '\\':
                _position++;
                return ParseEscape();
            default:
                Rune.DecodeFromUtf16(_pattern.AsSpan(_position), out Rune rune, out int length);
                _position += length;
                return InString(rune.Value);
        }
    }

    private Item ParseRepetition(Item item)
    {
        (long Least, long? Most)? counts = Current switch { '*' => (0, null), '+' => (1, null), '?' => (0, 1), _ => null };
        if (counts is null && Current == '{')
        {
            int end = _pattern.IndexOf('}', _position);
            string[] parts = end < 0 ? [] : _pattern[(_position + 1)..end].Split(',');
            if (parts.Length is 0 or > 2 || !TryCount(parts[0], out long least)) throw Error("'{' without counts");
            long? most = parts.Length == 1 ? least : null;
            if (parts is [_, { Length: > 0 } upper]) most = TryCount(upper, out long limit) ? limit : throw Error("'{' without counts");
            if (most < least) throw Error($"repetition '{{{least},{most}}}' ends before it begins");
            counts = (least, most);
            _position = end;
        }

        if (counts is not { } given) return item;
        _position++;
        if (Current is '?' or '+') throw Error("lazy and possessive repetitions are not supported");
        return Count(item, given.Least, given.Most);
    }

    /// <summary>Repeats an item, at most as often as can be counted with all the repetitions inside of it.</summary>
    private Item Count(Item item, long least, long? most)
    {
        long limit = SchemaNumbers.MostRepetitions / _copies;
        if (most > limit) most = null;
        least = Math.Min(least, limit);
        if (!_budget.TrySpend(_copies * (most ?? least))) (least, most) = (Math.Min(least, 1), null);
        _copies *= Math.Max(1, most ?? least);
        return item with { Least = least, Most = most };
    }

    private static bool TryCount(string digits, out long count) => long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private string ParseEscape()
    {
        char c = Current;
        if (Classes(c) is { } inside)
        {
            _position++;
            return char.IsUpper(c) ? $@"[^{inside}""\\\x7F\x00-\x1F]" : c == 's' ? @"("" "" | ""\\"" [bfnrt])" : $"[{inside}]";
        }

        return InString(ParseEscapedCharacter());
    }

    private string ParseSet()
    {
        _position++;
        bool negated = Current == '^';
        if (negated) _position++;
        var inside = new StringBuilder();
        List<int> escaped = [];
        bool any = false;
        while (Current != ']' || !any)
        {
            if (_position >= _pattern.Length) throw Error("'[' without ']'");
            any = true;
            if (Current == '\\' && _position + 1 < _pattern.Length && Classes(_pattern[_position + 1]) is { } known && char.IsLower(_pattern[_position + 1]))
            {
                inside.Append(known);
                _position += 2;
                continue;
            }

            int first = ParseSetCharacter(), last = first;
            if (Current == '-' && _position + 1 < _pattern.Length && _pattern[_position + 1] != ']')
            {
                _position++;
                last = ParseSetCharacter();
                if (last < first) throw Error("range goes backwards");
            }

            if (!negated && first == last && first is '"' or '\\' or < ' ') escaped.Add(first);
            else AppendRange(inside, first, last);
        }

        _position++;
        if (negated) return $@"[^{inside}""\\\x7F\x00-\x1F]";
        List<string> ways = inside.Length > 0 ? [$"[{inside}]"] : [];
        ways.AddRange(escaped.Select(InString));
        return ways.Count == 1 ? ways[0] : $"({string.Join(" | ", ways)})";
    }

    /// <summary>Adds a range without the characters that a JSON string cannot hold as they are.</summary>
    private static void AppendRange(StringBuilder inside, int first, int last)
    {
        int start = first;
        foreach (int gap in (ReadOnlySpan<int>)['"', '\\', 0x7F])
        {
            if (gap < start || gap > last) continue;
            Append(start, gap - 1);
            start = gap + 1;
        }

        Append(start, last);

        void Append(int from, int to)
        {
            from = Math.Max(from, ' ');
            if (from > to) return;
            inside.Append(GbnfText.SetCharacter(from));
            if (to > from) inside.Append('-').Append(GbnfText.SetCharacter(to));
        }
    }

    private int ParseSetCharacter()
    {
        if (Current == '\\')
        {
            _position++;
            return ParseEscapedCharacter();
        }

        if (_position >= _pattern.Length) throw Error("'[' without ']'");
        Rune.DecodeFromUtf16(_pattern.AsSpan(_position), out Rune rune, out int length);
        _position += length;
        return rune.Value;
    }

    private int ParseEscapedCharacter()
    {
        char c = Current;
        _position++;
        int digits = c switch { 'x' => 2, 'u' => 4, _ => 0 };
        if (digits > 0)
        {
            if (_position + digits > _pattern.Length
                || !int.TryParse(_pattern.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            {
                    throw Error($"'\\{c}' without {digits} hexadecimal digits");
            }

            if (value is >= 0xD800 and <= 0xDFFF) throw Error("half a character is not supported");
            _position += digits;
            return value;
        }

        return c switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            _ when char.IsAsciiLetterOrDigit(c) || c == '\0' => throw Error($"'\\{c}' is not supported"),
            _ => c,
        };
    }

    /// <summary>A character as it stands inside of a JSON string.</summary>
    private static string InString(int codePoint)
    {
        string json = GbnfText.JsonString(char.ConvertFromUtf32(codePoint));
        return GbnfText.Literal(json[1..^1]);
    }

    private static string? Classes(char letter) => letter switch
    {
        'd' or 'D' => "0-9",
        'w' or 'W' => "a-zA-Z0-9_",
        's' or 'S' => " ",
        _ => null,
    };

    private char Current => _position < _pattern.Length ? _pattern[_position] : '\0';

    private bool Ahead(string text) => string.CompareOrdinal(_pattern, _position, text, 0, text.Length) == 0;

    /// <summary>A piece of a sequence and how often it stands there.</summary>
    /// <param name="Text">Its GBNF.</param>
    /// <param name="IsCharacter">Whether it is one character.</param>
    /// <param name="Least">Fewest times.</param>
    /// <param name="Most">Most times; null: any number.</param>
    private readonly record struct Item(string Text, bool IsCharacter, long Least, long? Most);

    private GrammarException Error(string problem) => new($"JSON schema, {_path}: pattern, character {_position + 1}: {problem}");
}
