using System.Globalization;
using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>Reads GBNF, llama.cpp's notation for grammars.</summary>
internal sealed class GbnfParser
{
    private const int MaximumRepetition = 2000, MaximumDepth = 200, MaximumLength = 4 << 20;

    private readonly string _text;
    private readonly IVocabulary? _vocabulary;
    private readonly bool _anyToken;
    private readonly GrammarRules _rules;
    private readonly string _prefix;
    private int _position;
    private int _depth;
    private int _copies = 1;

    private GbnfParser(string text, IVocabulary? vocabulary, GrammarRules rules, string prefix, bool anyToken) =>
        (_text, _vocabulary, _rules, _prefix, _anyToken) = (text, vocabulary, rules, prefix, anyToken);

    /// <summary>Adds the rules of a grammar.</summary>
    /// <param name="text">The grammar.</param>
    /// <param name="vocabulary">Needed only where the grammar names tokens by their text.</param>
    /// <param name="rules">Receives the rules.</param>
    /// <param name="prefix">Put before the rules' names, so that several grammars can lie side by side; empty, or ends with a slash.</param>
    /// <param name="anyToken">Takes every token's text for one of the vocabulary: enough to check a grammar without a model.</param>
    public static void Parse(string text, IVocabulary? vocabulary, GrammarRules rules, string prefix = "", bool anyToken = false)
    {
        if (text.Length > MaximumLength) throw new GrammarException($"grammar: {text.Length} characters, at most {MaximumLength} are read");
        var parser = new GbnfParser(text, vocabulary, rules, prefix, anyToken);
        parser.SkipSpace(acrossLines: true);
        while (!parser.AtEnd) parser.ParseRule();
    }

    private bool AtEnd => _position >= _text.Length;

    private char Current => _position < _text.Length ? _text[_position] : '\0';

    private void ParseRule()
    {
        int start = _position;
        string name = ParseName();
        SkipSpace(acrossLines: false);
        if (!TryTake("::=")) throw Error("expected '::='");
        SkipSpace(acrossLines: true);
        int rule = _rules.Number(_prefix + name);
        if (!_rules.Define(rule, ParseAlternatives(name, nested: false)))
        {
            _position = start;
            throw Error($"rule '{name}' is defined twice");
        }

        if (Current == '\r') _position++;
        if (Current == '\n') _position++;
        else if (!AtEnd) throw Error($"unexpected '{Current}'");
        SkipSpace(acrossLines: true);
    }

    private List<GrammarElement[]> ParseAlternatives(string name, bool nested)
    {
        if (++_depth > MaximumDepth) throw Error($"parentheses nested deeper than {MaximumDepth}");
        List<GrammarElement[]> alternatives = [ParseSequence(name, nested)];
        while (Current == '|')
        {
            _position++;
            SkipSpace(acrossLines: true);
            alternatives.Add(ParseSequence(name, nested));
        }

        _depth--;
        return alternatives;
    }

    private GrammarElement[] ParseSequence(string name, bool nested)
    {
        // How often an item stands there once all repetitions around and inside of it are written out: the product is what is limited.
        int most = _copies;
        List<GrammarElement> sequence = [];
        while (true)
        {
            _copies = 1;
            if (ParseItem(name) is not { } item) break;
            SkipSpace(nested);
            sequence.AddRange(ParseRepetitions(name, item, nested));
            most = Math.Max(most, _copies);
        }

        _copies = most;
        return [.. sequence];
    }

    /// <summary>One item without its repetition; null where no item begins.</summary>
    private List<GrammarElement>? ParseItem(string name)
    {
        switch (Current)
        {
            case '"':
                return ParseLiteral();
            case '[':
                return [ParseSet()];
            case '.':
                _position++;
                return [_rules.Set(CharacterSet.Any)];
            case '<':
                return [new GrammarElement(GrammarElementKind.Token, ParseToken())];
            case '!':
                _position++;
                if (Current != '<') throw Error("expected '<' after '!'");
                return [new GrammarElement(GrammarElementKind.NotToken, ParseToken())];
            case '(':
                _position++;
                SkipSpace(acrossLines: true);
                _copies = 1;
                int group = _rules.Generate(name);
                _rules.Define(group, ParseAlternatives(name, nested: true));
                if (Current != ')') throw Error("expected ')'");
                _position++;
                return [new GrammarElement(GrammarElementKind.Rule, group)];
            default:
                return IsNameCharacter(Current) ? [new GrammarElement(GrammarElementKind.Rule, _rules.Number(_prefix + ParseName()))] : null;
        }
    }

    private List<GrammarElement> ParseRepetitions(string name, List<GrammarElement> item, bool nested)
    {
        while (true)
        {
            var (least, most) = Current switch
            {
                '*' => (0, (int?)null),
                '+' => (1, null),
                '?' => (0, 1),
                '{' => ParseCounts(nested),
                _ => (-1, null),
            };
            if (least < 0) return item;
            _position++;
            _copies *= Math.Max(1, most ?? least);
            if (_copies > MaximumRepetition) throw Error($"repetitions multiply to more than {MaximumRepetition}");
            item = _rules.Repeat(name, item, least, most);
            SkipSpace(nested);
        }
    }

    /// <summary><c>{m}</c>, <c>{m,}</c>, <c>{m,n}</c> or <c>{,n}</c>, up to the closing brace.</summary>
    private (int, int?) ParseCounts(bool nested)
    {
        _position++;
        SkipSpace(nested);
        int least = Current == ',' ? 0 : ParseCount();
        SkipSpace(nested);
        int? most = least;
        if (Current == ',')
        {
            _position++;
            SkipSpace(nested);
            most = char.IsAsciiDigit(Current) ? ParseCount() : null;
            SkipSpace(nested);
        }

        if (Current != '}') throw Error("expected '}'");
        if (most < least) throw Error($"repetition {{{least},{most}}} ends before it begins");
        return (least, most);
    }

    private int ParseCount()
    {
        int start = _position;
        while (char.IsAsciiDigit(Current)) _position++;
        if (start == _position) throw Error("expected a number");
        return int.TryParse(_text.AsSpan(start, _position - start), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= MaximumRepetition
            ? count : throw Error($"more than {MaximumRepetition} repetitions");
    }

    private List<GrammarElement> ParseLiteral()
    {
        _position++;
        List<GrammarElement> characters = [];
        while (Current != '"')
        {
            if (AtEnd) throw Error("literal without its closing '\"'");
            characters.Add(_rules.Character(ParseCharacter()));
        }

        _position++;
        return characters;
    }

    private GrammarElement ParseSet()
    {
        _position++;
        bool negated = Current == '^';
        if (negated) _position++;
        List<(int, int)> ranges = [];
        while (Current != ']')
        {
            if (AtEnd) throw Error("set without its closing ']'");
            int first = ParseCharacter(), last = first;
            if (Current == '-' && _position + 1 < _text.Length && _text[_position + 1] != ']')
            {
                _position++;
                last = ParseCharacter();
                if (last < first) throw Error("range in a set goes backwards");
            }

            ranges.Add((first, last));
        }

        _position++;
        if (ranges.Count == 0 && !negated) throw Error("empty set '[]' matches nothing");
        return _rules.Set(new CharacterSet(ranges, negated));
    }

    private int ParseCharacter()
    {
        if (AtEnd) throw Error("unexpected end");
        if (Current != '\\')
        {
            Rune.DecodeFromUtf16(_text.AsSpan(_position), out Rune rune, out int length);
            _position += length;
            return rune.Value;
        }

        _position++;
        char escape = Current;
        _position++;
        return escape switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' => escape,
            'x' => ParseHex(2),
            'u' => ParseHex(4),
            'U' => ParseHex(8),
            _ => throw Error($"unknown escape '\\{escape}'"),
        };
    }

    private int ParseHex(int digits)
    {
        if (_position + digits > _text.Length
            || !uint.TryParse(_text.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) || value > 0x10FFFF)
        {
                throw Error($"expected {digits} hexadecimal digits of a character");
        }

        _position += digits;
        return (int)value;
    }

    /// <summary><c>&lt;[id]&gt;</c>, or the token whose whole text is written, brackets included.</summary>
    private int ParseToken()
    {
        int end = _text.IndexOf('>', _position);
        if (end < 0) throw Error("token without its closing '>'");
        string text = _text[_position..(end + 1)];
        _position = end + 1;
        if (text.StartsWith("<[", StringComparison.Ordinal) && text.EndsWith("]>", StringComparison.Ordinal))
        {
            bool valid = int.TryParse(text.AsSpan(2, text.Length - 4), NumberStyles.None, CultureInfo.InvariantCulture, out int id);
            return valid && (_vocabulary is null || id < _vocabulary.Count) ? id : throw Error($"'{text}' is no token id");
        }

        byte[] wanted = Encoding.UTF8.GetBytes(text);
        for (int id = 0; id < (_vocabulary?.Count ?? 0); id++)
        {
            if (_vocabulary!.Piece(id).SequenceEqual(wanted)) return id;
        }

        return _anyToken ? 0 : throw Error($"'{text}' is no token of the vocabulary");
    }

    private string ParseName()
    {
        int start = _position;
        while (IsNameCharacter(Current)) _position++;
        return start < _position ? _text[start.._position] : throw Error("expected the name of a rule");
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c == '-';

    private bool TryTake(string text)
    {
        bool there = string.CompareOrdinal(_text, _position, text, 0, text.Length) == 0;
        if (there) _position += text.Length;
        return there;
    }

    private void SkipSpace(bool acrossLines)
    {
        while (!AtEnd)
        {
            if (Current == '#')
            {
                while (!AtEnd && Current is not ('\n' or '\r')) _position++;
            }
            else if (Current is ' ' or '\t' || (acrossLines && Current is '\n' or '\r'))
            {
                _position++;
            }
            else
            {
                break;
            }
        }
    }

    private GrammarException Error(string problem)
    {
        ReadOnlySpan<char> before = _text.AsSpan(0, Math.Min(_position, _text.Length));
        return new GrammarException($"grammar, line {before.Count('\n') + 1}, column {before.Length - before.LastIndexOf('\n')}: {problem}");
    }
}
