using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>
/// Turns a regular expression of a schema's <c>pattern</c> into GBNF for the inside of a JSON string: anchors, literals, sets, <c>.</c>, <c>\d \w \s</c>
/// (and their opposites), groups, choices and repetitions. Look-around, back references and word boundaries are refused.
/// </summary>
internal sealed class PatternConverter
{
    private const int MaximumDepth = 100;
    private readonly string _pattern;
    private readonly string _path;
    private int _position;
    private int _depth;

    private PatternConverter(string pattern, string path) => (_pattern, _path) = (pattern, path);

    /// <summary>The expression's grammar; where it is not anchored, any characters may come before and after.</summary>
    public static string Convert(string pattern, string path)
    {
        bool fromStart = pattern.StartsWith('^');
        string body = fromStart ? pattern[1..] : pattern;
        int backslashes = body.Length - 1 - (body.EndsWith('$') ? body[..^1].TrimEnd('\\').Length : 0);
        bool toEnd = body.EndsWith('$') && backslashes % 2 == 0;
        if (toEnd) body = body[..^1];
        var converter = new PatternConverter(body, path);
        string inside = converter.ParseChoice();
        if (converter._position < body.Length) throw converter.Error("')' without '('");
        return $"{(fromStart ? "" : "char* ")}({inside}){(toEnd ? "" : " char*")}";
    }

    private string ParseChoice()
    {
        if (++_depth > MaximumDepth) throw Error("groups nested too deep");
        List<string> choices = [ParseSequence()];
        while (Current == '|')
        {
            _position++;
            choices.Add(ParseSequence());
        }

        _depth--;
        return string.Join(" | ", choices);
    }

    private string ParseSequence()
    {
        List<string> items = [];
        while (_position < _pattern.Length && Current is not ('|' or ')')) items.Add(ParseRepetition(ParseItem()));
        return items.Count == 0 ? "\"\"" : string.Join(' ', items);
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

                string inside = ParseChoice();
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

    private string ParseRepetition(string item)
    {
        (long Least, long? Most)? counts = Current switch { '*' => (0, null), '+' => (1, null), '?' => (0, 1), _ => null };
        if (counts is null && Current == '{')
        {
            int end = _pattern.IndexOf('}', _position);
            string[] parts = end < 0 ? [] : _pattern[(_position + 1)..end].Split(',');
            if (parts.Length is 0 or > 2 || !TryCount(parts[0], out long least)) throw Error("'{' without counts");
            long? most = parts.Length == 1 ? least : null;
            if (parts is [_, { Length: > 0 } upper]) most = TryCount(upper, out long limit) ? limit : throw Error("'{' without counts");
            counts = (least, most);
            _position = end;
        }

        if (counts is not { } given) return item;
        _position++;
        if (Current is '?' or '+') throw Error("lazy and possessive repetitions are not supported");
        return GbnfText.Repeat(item, given.Least, given.Most);
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
                throw Error($"'\\{c}' without {digits} hexadecimal digits");
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

    private GrammarException Error(string problem) => new($"JSON schema, {_path}: pattern, character {_position + 1}: {problem}");
}
