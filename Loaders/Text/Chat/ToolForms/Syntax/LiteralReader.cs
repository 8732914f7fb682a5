using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// Reads the values that models write as arguments: JSON, Python literals, and what lies between, for models mix them. Every value comes
/// out as JSON. The text may end anywhere; <see cref="State"/> then says so.
/// </summary>
internal ref struct LiteralReader(string text, int at, LiteralStyle style)
{
    /// <summary>Deepest nesting: that of System.Text.Json.</summary>
    private const int MaximumDepth = 64;

    private int _depth;

    /// <summary>Where the reader is.</summary>
    public int At { get; private set; } = at;

    /// <summary>Whether the values are arguments with names, so that behind a value there is the end or another name.</summary>
    public bool AreNamed { get; set; }

    /// <summary>What became of the last attempt: whole, or why it failed.</summary>
    public ReadState State { get; private set; }

    /// <summary>Moves past white space.</summary>
    public void SkipSpace()
    {
        while (At < text.Length && char.IsWhiteSpace(text[At])) At++;
    }

    /// <summary>Takes a text that must be there, white space before it apart.</summary>
    public bool TryTake(string token)
    {
        SkipSpace();
        ReadOnlySpan<char> rest = text.AsSpan(At);
        if (rest.StartsWith(token, StringComparison.Ordinal))
        {
            At += token.Length;
            State = ReadState.Whole;
            return true;
        }

        return Fail(token.AsSpan().StartsWith(rest, StringComparison.Ordinal) ? ReadState.Unfinished : ReadState.Other);
    }

    /// <summary>
    /// Takes a text if it is there; false, with the state <see cref="ReadState.Unfinished"/>, if its beginning is all there is.
    /// </summary>
    public bool TryTakeOptional(string token)
    {
        int start = At;
        if (TryTake(token)) return true;
        At = start;
        return State != ReadState.Unfinished;
    }

    /// <summary>Takes the text before another one, which stays.</summary>
    public bool TryTakeUntil(string end, out string taken)
    {
        int found = text.IndexOf(end, At, StringComparison.Ordinal);
        taken = found < 0 ? "" : text[At..found];
        if (found < 0) return Fail(ReadState.Unfinished);
        At = found;
        return true;
    }

    /// <summary>Takes a name: letters, digits and <c>_ - .</c>; a name at the end of the text is unfinished.</summary>
    public bool TryTakeName(out string name)
    {
        SkipSpace();
        int end = At;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '_' or '-' or '.')) end++;
        name = text[At..end];
        if (end == text.Length) return Fail(ReadState.Unfinished);
        if (name.Length == 0) return Fail(ReadState.Other);
        At = end;
        return true;
    }

    /// <summary>
    /// Takes the name of a tool: one of those that were offered, the longest that fits, or any name where they are not known.
    /// </summary>
    public bool TryTakeToolName(IReadOnlyList<ChatTool>? tools, out string name)
    {
        if (tools is null) return TryTakeName(out name);
        SkipSpace();
        name = "";
        bool unfinished = false;
        ReadOnlySpan<char> rest = text.AsSpan(At);
        foreach (ChatTool tool in tools)
        {
            if (tool.Name.Length > name.Length && rest.StartsWith(tool.Name, StringComparison.Ordinal)) name = tool.Name;
            unfinished |= tool.Name.AsSpan().StartsWith(rest, StringComparison.Ordinal);
        }

        if (unfinished) return Fail(ReadState.Unfinished);
        if (name.Length == 0) return Fail(ReadState.Other);
        At += name.Length;
        return true;
    }

    /// <summary>Takes a value as JSON: as it stands if it is JSON, else put into JSON.</summary>
    public bool TryTakeValue(out string json)
    {
        SkipSpace();
        int start = At;
        var written = new StringBuilder();
        bool whole = TryValue(written);
        json = !whole ? "" : IsJson(text[start..At]) ? text[start..At] : written.ToString();
        return whole;
    }

    /// <summary>Takes an object, without anything before it.</summary>
    public bool TryTakeObject(out string json)
    {
        SkipSpace();
        json = "";
        if (At == text.Length) return Fail(ReadState.Unfinished);
        return text[At] == '{' ? TryTakeValue(out json) : Fail(ReadState.Other);
    }

    /// <summary>Whether a text is JSON.</summary>
    public static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private bool TryValue(StringBuilder json)
    {
        SkipSpace();
        if (At == text.Length) return Fail(ReadState.Unfinished);
        if (style.Quote.Length > 0 && style.Quote.AsSpan().StartsWith(text.AsSpan(At, Math.Min(style.Quote.Length, text.Length - At))))
            return TryQuoted(json);
        switch (text[At])
        {
            case '{': return TryNested(json, '{', '}', '}', isObject: true);
            case '[': return TryNested(json, '[', ']', ']', isObject: false);
            case '(': return TryNested(json, '[', ')', ']', isObject: false);
            case '"' or '\'': return TryString(json);
            case '-' or '+' or '.' or (>= '0' and <= '9'): return TryNumber(json);
            default: return TryWord(json);
        }
    }

    private bool TryNested(StringBuilder json, char open, char close, char writtenClose, bool isObject)
    {
        if (++_depth > MaximumDepth) return Fail(ReadState.Other);
        At++;
        json.Append(open);
        for (bool first = true; ; first = false)
        {
            SkipSpace();
            if (At == text.Length) return Fail(ReadState.Unfinished);
            if (text[At] == close) break;
            if (!first)
            {
                if (text[At] != ',') return Fail(ReadState.Other);
                At++;
                SkipSpace();
                if (At == text.Length) return Fail(ReadState.Unfinished);
                if (text[At] == close) break; // Python allows a comma behind the last item.
                json.Append(", ");
            }

            if (isObject && !TryKey(json)) return false;
            if (!TryValue(json)) return false;
        }

        At++;
        json.Append(writtenClose);
        _depth--;
        return true;
    }

    private bool TryKey(StringBuilder json)
    {
        bool quoted = text[At] is '"' or '\'' || (style.Quote.Length > 0 && text[At] == style.Quote[0]);
        if (!quoted && style.BareKeys)
        {
            if (!TryTakeName(out string name)) return false;
            AppendString(json, name);
        }
        else if (!quoted)
        {
            return Fail(ReadState.Other);
        }
        else if (!TryValue(json))
        {
            return false;
        }

        json.Append(": ");
        return TryTake(":");
    }

    /// <summary>A string between two of the style's own quotes.</summary>
    private bool TryQuoted(StringBuilder json)
    {
        if (!TryTake(style.Quote) || !TryTakeUntil(style.Quote, out string content)) return false;
        At += style.Quote.Length;
        AppendString(json, content);
        return true;
    }

    /// <summary>
    /// A string in quotes. Templates write strings without escaping their quotes (<c>'it's'</c>), so that a quote ends the string only
    /// where something follows that can follow a value.
    /// </summary>
    private bool TryString(StringBuilder json)
    {
        char quote = text[At];
        var content = new StringBuilder();
        for (int i = At + 1; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\')
            {
                if (!TryEscape(ref i, content)) return false;
            }
            else if (c == quote)
            {
                bool? ends = EndsValue(i + 1);
                if (ends is null) return Fail(ReadState.Unfinished);
                if (ends is false)
                {
                    content.Append(c);
                    continue;
                }

                At = i + 1;
                AppendString(json, content.ToString());
                return true;
            }
            else
            {
                content.Append(c);
            }
        }

        return Fail(ReadState.Unfinished);
    }

    /// <summary>Whether a value may end at a place, by what follows; null if the text ends before that can be told.</summary>
    private bool? EndsValue(int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        if (at == text.Length) return null;
        if (text[at] is not (',' or ')' or ']' or '}' or ':')) return false;
        if (!AreNamed || _depth > 0 || text[at] != ',') return true;
        for (at++; at < text.Length && char.IsWhiteSpace(text[at]); at++)
        {
        }

        int name = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_')) at++;
        if (at == text.Length) return null;
        return (text[at] == '=' && at > name) || (text[at] == ')' && at == name);
    }

    /// <summary>The escape whose backslash is at <paramref name="i"/>; leaves <paramref name="i"/> at its last character.</summary>
    private bool TryEscape(ref int i, StringBuilder content)
    {
        if (++i == text.Length) return Fail(ReadState.Unfinished);
        int digits = text[i] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (i + digits >= text.Length) return Fail(ReadState.Unfinished);
            if (int.TryParse(text.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
                && code is >= 0 and <= 0x10FFFF)
            {
                if (code <= 0xFFFF) content.Append((char)code);
                else content.Append(new Rune(code).ToString());
                i += digits;
                return true;
            }
        }

        _ = text[i] switch
        {
            'n' => content.Append('\n'),
            't' => content.Append('\t'),
            'r' => content.Append('\r'),
            'b' => content.Append('\b'),
            'f' => content.Append('\f'),
            '\n' => content,
            '\\' or '\'' or '"' or '/' => content.Append(text[i]),
            _ => content.Append('\\').Append(text[i]),
        };
        return true;
    }

    private bool TryNumber(StringBuilder json)
    {
        int end = At;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '+' or '.' or '_')) end++;
        if (end == text.Length) return Fail(ReadState.Unfinished);
        string number = text[At..end].Replace("_", "", StringComparison.Ordinal);
        if (!IsJson(number))
        {
            // Python has +1, 1. and .5 as well.
            if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value))
                return Fail(ReadState.Other);
            number = value.ToString("R", CultureInfo.InvariantCulture);
        }

        At = end;
        json.Append(number);
        return true;
    }

    private bool TryWord(StringBuilder json)
    {
        foreach ((string word, string meaning) in Words)
        {
            ReadOnlySpan<char> rest = text.AsSpan(At);
            if (rest.Length < word.Length ? word.AsSpan().StartsWith(rest) : rest.Length == word.Length && rest.SequenceEqual(word))
                return Fail(ReadState.Unfinished);
            if (!rest.StartsWith(word, StringComparison.Ordinal) || char.IsLetterOrDigit(rest[word.Length])) continue;
            At += word.Length;
            json.Append(meaning);
            return true;
        }

        return Fail(ReadState.Other);
    }

    private static readonly (string Word, string Meaning)[] Words =
        [("true", "true"), ("True", "true"), ("false", "false"), ("False", "false"), ("null", "null"), ("None", "null")];

    private static void AppendString(StringBuilder json, string content) => json.Append(Grammars.JsonSchema.GbnfText.JsonString(content));

    private bool Fail(ReadState state)
    {
        State = state;
        return false;
    }
}
