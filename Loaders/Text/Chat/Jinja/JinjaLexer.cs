using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>
/// Cuts a template into tokens, with Jinja2's <c>trim_blocks</c> and <c>lstrip_blocks</c> on, as chat templates expect: the newline after
/// a block tag or comment goes, and so do the blanks before one at the start of a line. <c>-</c> strips all white space, <c>+</c> none.
/// </summary>
internal sealed class JinjaLexer
{
    private static readonly string[] Operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|"];

    private readonly string _source;
    private readonly List<JinjaToken> _tokens = [];
    private int _position;
    private int _line = 1;

    private JinjaLexer(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    /// <summary>All tokens, the last one being <see cref="JinjaTokenKind.End"/>.</summary>
    public static List<JinjaToken> Tokenize(string source)
    {
        var lexer = new JinjaLexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_position < _source.Length)
        {
            int tag = FindTag(_position);
            AddText(_position, tag);
            if (tag == _source.Length) break;
            MoveTo(tag);
            switch (_source[tag + 1])
            {
                case '#':
                    SkipComment();
                    break;
                case '{':
                    LexTag(JinjaTokenKind.OutputBegin, JinjaTokenKind.OutputEnd, "}}");
                    break;
                default:
                    if (!TryLexRaw()) LexTag(JinjaTokenKind.BlockBegin, JinjaTokenKind.BlockEnd, "%}");
                    break;
            }
        }

        _tokens.Add(new JinjaToken(JinjaTokenKind.End, "", _line));
    }

    private int FindTag(int from)
    {
        for (int i = _source.IndexOf('{', from); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#') return i;
        }

        return _source.Length;
    }

    /// <summary>Adds the text before a tag, less what the tag strips from it.</summary>
    private void AddText(int start, int tag)
    {
        int end = tag;
        if (tag < _source.Length)
        {
            char kind = _source[tag + 1], sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
            if (sign == '-')
            {
                while (end > start && char.IsWhiteSpace(_source[end - 1])) end--;
            }
            else if (kind != '{' && sign != '+')
            {
                while (end > start && _source[end - 1] is ' ' or '\t') end--;
                bool atLineStart = end == 0 || _source[end - 1] == '\n';
                if (!atLineStart) end = tag;
            }
        }

        if (end > start) _tokens.Add(new JinjaToken(JinjaTokenKind.Text, _source[start..end], _line));
    }

    /// <summary>Moves past a tag's end at <paramref name="end"/> and past the white space that this end strips.</summary>
    private void PassTagEnd(int end, char sign, bool trimsNewline)
    {
        MoveTo(end);
        if (sign == '-')
        {
            while (end < _source.Length && char.IsWhiteSpace(_source[end])) end++;
        }
        else if (trimsNewline && sign != '+' && end < _source.Length && _source[end] == '\n')
        {
            end++;
        }

        MoveTo(end);
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _position + 2, StringComparison.Ordinal);
        if (end < 0) throw Error("comment without '#}'");
        PassTagEnd(end + 2, end > _position + 2 ? _source[end - 1] : ' ', trimsNewline: true);
    }

    /// <summary><c>{% raw %} … {% endraw %}</c>: text that is not looked into.</summary>
    private bool TryLexRaw()
    {
        if (!TryMatchWordTag(_position, "raw", out int bodyStart, out char startSign)) return false;
        PassTagEnd(bodyStart, startSign, trimsNewline: true);
        for (int i = _source.IndexOf("{%", _position, StringComparison.Ordinal); i >= 0; i = _source.IndexOf("{%", i + 2, StringComparison.Ordinal))
        {
            if (!TryMatchWordTag(i, "endraw", out int after, out char endSign)) continue;
            AddText(_position, i);
            PassTagEnd(after, endSign, trimsNewline: true);
            return true;
        }

        throw Error("'raw' without 'endraw'");
    }

    private bool TryMatchWordTag(int start, string word, out int after, out char endSign)
    {
        int i = start + 2;
        (after, endSign) = (0, ' ');
        if (i < _source.Length && _source[i] is '-' or '+') i++;
        while (i < _source.Length && char.IsWhiteSpace(_source[i])) i++;
        if (string.CompareOrdinal(_source, i, word, 0, word.Length) != 0) return false;
        i += word.Length;
        while (i < _source.Length && char.IsWhiteSpace(_source[i])) i++;
        if (i < _source.Length && _source[i] is '-' or '+') endSign = _source[i++];
        after = i + 2;
        return string.CompareOrdinal(_source, i, "%}", 0, 2) == 0;
    }

    private void LexTag(JinjaTokenKind begin, JinjaTokenKind endKind, string close)
    {
        int startLine = _line, braces = 0;
        _tokens.Add(new JinjaToken(begin, _source.Substring(_position, 2), _line));
        MoveTo(_position + 2);
        if (Peek(0) is '-' or '+') MoveTo(_position + 1);
        while (true)
        {
            while (_position < _source.Length && char.IsWhiteSpace(_source[_position])) MoveTo(_position + 1);
            if (_position >= _source.Length) throw new ChatTemplateException(startLine, $"tag without '{close}'");

            char sign = Peek(0) is '-' or '+' && Matches(close, 1) ? Peek(0) : ' ';
            if (braces == 0 && (sign != ' ' || Matches(close, 0)))
            {
                _tokens.Add(new JinjaToken(endKind, close, _line));
                PassTagEnd(_position + (sign == ' ' ? 2 : 3), sign, trimsNewline: endKind == JinjaTokenKind.BlockEnd);
                return;
            }

            LexOne(ref braces);
        }
    }

    private void LexOne(ref int braces)
    {
        char c = Peek(0);
        if (c is '"' or '\'')
        {
            LexString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            LexNumber();
        }
        else if (char.IsLetter(c) || c == '_')
        {
            int end = _position;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_')) end++;
            Add(JinjaTokenKind.Name, end);
        }
        else
        {
            string? op = Array.Find(Operators, candidate => Matches(candidate, 0));
            if (op is null) throw Error($"unexpected character '{c}'");
            braces += op switch { "{" => 1, "}" => -1, _ => 0 };
            if (braces < 0) throw Error("'}' without '{'");
            Add(JinjaTokenKind.Operator, _position + op.Length);
        }
    }

    private void LexNumber()
    {
        int end = _position;
        bool isFloat = false;
        if (Peek(0) == '0' && char.ToLowerInvariant(Peek(1)) is 'x' or 'o' or 'b')
        {
            end += 2;
            while (end < _source.Length && (char.IsAsciiHexDigit(_source[end]) || _source[end] == '_')) end++;
            Add(JinjaTokenKind.Integer, end);
            return;
        }

        while (IsDigitAt(end)) end++;

        // Behind a point it is the number of an item: "list.1.0".
        bool isItem = _position > 0 && _source[_position - 1] == '.';
        if (!isItem && end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            isFloat = true;
            for (end++; IsDigitAt(end);) end++;
        }

        if (!isItem && end < _source.Length && _source[end] is 'e' or 'E')
        {
            int digits = end + 1;
            if (digits < _source.Length && _source[digits] is '+' or '-') digits++;
            if (digits < _source.Length && char.IsAsciiDigit(_source[digits]))
            {
                isFloat = true;
                for (end = digits; IsDigitAt(end);) end++;
            }
        }

        Add(isFloat ? JinjaTokenKind.Float : JinjaTokenKind.Integer, end);
    }

    private bool IsDigitAt(int place) => place < _source.Length && (char.IsAsciiDigit(_source[place]) || _source[place] == '_');

    private void LexString(char quote)
    {
        int line = _line, i = _position + 1;
        var text = new StringBuilder();
        while (i < _source.Length && _source[i] != quote)
        {
            if (_source[i] == '\\' && i + 1 < _source.Length) i = Unescape(i + 1, text);
            else text.Append(_source[i++]);
        }

        if (i >= _source.Length) throw Error("string without its closing quote");
        MoveTo(i + 1);
        _tokens.Add(new JinjaToken(JinjaTokenKind.String, text.ToString(), line));
    }

    /// <summary>
    /// Appends the character of the escape whose letter is at <paramref name="i"/>; returns the place after it. Unknown escapes stay as
    /// they are.
    /// </summary>
    private int Unescape(int i, StringBuilder text)
    {
        char c = _source[i];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0 && i + digits < _source.Length
            && int.TryParse(_source.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            && (code is >= 0xD800 and <= 0xDFFF || Rune.IsValid(code)))
        {
            if (code <= 0xFFFF) text.Append((char)code);
            else text.Append(new Rune(code).ToString());
            return i + 1 + digits;
        }

        _ = c switch
        {
            'n' => text.Append('\n'),
            't' => text.Append('\t'),
            'r' => text.Append('\r'),
            'b' => text.Append('\b'),
            'f' => text.Append('\f'),
            'v' => text.Append('\v'),
            'a' => text.Append('\a'),
            '0' => text.Append('\0'),
            '\n' => text,
            '\\' or '\'' or '"' => text.Append(c),
            _ => text.Append('\\').Append(c),
        };
        return i + 1;
    }

    private void Add(JinjaTokenKind kind, int end)
    {
        _tokens.Add(new JinjaToken(kind, _source[_position..end], _line));
        MoveTo(end);
    }

    private char Peek(int ahead) => _position + ahead < _source.Length ? _source[_position + ahead] : '\0';

    private bool Matches(string text, int ahead) => string.CompareOrdinal(_source, _position + ahead, text, 0, text.Length) == 0;

    private void MoveTo(int position)
    {
        _line += _source.AsSpan(_position, position - _position).Count('\n');
        _position = position;
    }

    private ChatTemplateException Error(string problem) => new(_line, problem);
}
