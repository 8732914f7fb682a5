using System.Buffers;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029");

    internal delegate object? Method(RenderContext context, string text, Arguments arguments);

    private const int MaximumWidth = 100_000;

    private static readonly Dictionary<string, Method> All = new()
    {
        ["upper"] = (c, text, _) => c.Made(text.ToUpperInvariant()),
        ["lower"] = (c, text, _) => c.Made(text.ToLowerInvariant()),
        ["capitalize"] = (c, text, _) => c.Made(CodePoints.Capitalise(text)),
        ["title"] = (c, text, _) => c.Made(CodePoints.Title(text)),
        ["strip"] = (c, text, a) => c.Made(Strip(c, text, a.Get(0, "chars"), start: true, end: true)),
        ["lstrip"] = (c, text, a) => c.Made(Strip(c, text, a.Get(0, "chars"), start: true, end: false)),
        ["rstrip"] = (c, text, a) => c.Made(Strip(c, text, a.Get(0, "chars"), start: false, end: true)),
        ["startswith"] = (c, text, a) => Part(c, text, a, out _) is { } part
            && Affixes(c, a).Exists(affix => part.StartsWith(affix, StringComparison.Ordinal)),
        ["endswith"] = (c, text, a) => Part(c, text, a, out _) is { } part
            && Affixes(c, a).Exists(affix => part.EndsWith(affix, StringComparison.Ordinal)),
        ["removeprefix"] = (c, text, a) => Text(c, a, 0) is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        ["removesuffix"] = (c, text, a) => Text(c, a, 0) is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        ["split"] = (c, text, a) => Split(c, text, a, fromRight: false),
        ["rsplit"] = (c, text, a) => Split(c, text, a, fromRight: true),
        ["splitlines"] = (c, text, a) => SplitLines(c, text, Values.IsTrue(a.Get(0, "keepends"))),
        ["replace"] = (c, text, a) => Replace(c, text, Text(c, a, 0), Text(c, a, 1), Limit(c, a.Get(2, "count"))),
        ["join"] = (c, text, a) => Join(c, text, Values.Items(c, a.Get(0, "iterable"))),
        ["count"] = (c, text, a) => Part(c, text, a, out _) is { } part ? Count(c, part, Text(c, a, 0)) : 0,
        ["find"] = (c, text, a) => Find(c, text, a, last: false),
        ["rfind"] = (c, text, a) => Find(c, text, a, last: true),
        ["index"] = (c, text, a) => Find(c, text, a, last: false) is var at and >= 0 ? at : throw c.Error("'index': substring not found"),
        ["rindex"] = (c, text, a) => Find(c, text, a, last: true) is var at and >= 0 ? at : throw c.Error("'rindex': substring not found"),
        ["center"] = (c, text, a) => Center(c, text, Width(c, a), Filling(c, a)),
        ["ljust"] = (c, text, a) => text + Padding(c, text, Width(c, a), Filling(c, a)),
        ["rjust"] = (c, text, a) => Padding(c, text, Width(c, a), Filling(c, a)) + text,
        ["zfill"] = (c, text, a) => Padding(c, text, Width(c, a), "0") is var zeros && text.StartsWith('-') || text.StartsWith('+')
            ? text[..1] + zeros + text[1..] : zeros + text,
        ["partition"] = (c, text, a) => Partition(c, text, Text(c, a, 0), last: false),
        ["rpartition"] = (c, text, a) => Partition(c, text, Text(c, a, 0), last: true),
        ["swapcase"] = (c, text, _) => c.Made(
            string.Concat(text.Select(x => char.IsUpper(x) ? char.ToLowerInvariant(x) : char.ToUpperInvariant(x)))),
        ["casefold"] = (c, text, _) => c.Made(text.ToLowerInvariant().Replace("ß", "ss", StringComparison.Ordinal)),
        ["expandtabs"] = ExpandTabs,
        ["format"] = BraceFormat.Apply,
        ["isdigit"] = (_, text, _) => text.Length > 0 && text.All(x => char.IsDigit(x) || x is '²' or '³' or '¹'),
        ["isdecimal"] = (_, text, _) => text.Length > 0 && text.All(char.IsDigit),
        ["isnumeric"] = (_, text, _) => text.Length > 0 && text.All(char.IsNumber),
        ["isalpha"] = (_, text, _) => text.Length > 0 && text.All(char.IsLetter),
        ["isalnum"] = (_, text, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        ["isspace"] = (_, text, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
        ["isupper"] = (_, text, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["islower"] = (_, text, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["istitle"] = (_, text, _) => text.Any(char.IsLetter) && CodePoints.Title(text) == text,
        ["isascii"] = (_, text, _) => text.All(char.IsAscii),
        ["isprintable"] = (_, text, _) => !text.Any(x => char.IsControl(x) || (char.IsWhiteSpace(x) && x != ' ')),
        ["isidentifier"] = (_, text, _) => text.Length > 0 && !char.IsDigit(text[0]) && text.All(x => char.IsLetterOrDigit(x) || x == '_'),
    };

    /// <summary>The method of a name, or null.</summary>
    public static Method? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>Strips white space, or the characters of a string.</summary>
    public static string Strip(RenderContext context, string text, object? characters, bool start, bool end)
    {
        if (characters is not (null or string)) throw context.Error($"strip needs a string of characters, not {Values.TypeName(characters)}");
        int from = 0, to = text.Length;
        bool Goes(char c) => characters is string set ? set.Contains(c) : char.IsWhiteSpace(c);
        while (start && from < to && Goes(text[from])) from++;
        while (end && to > from && Goes(text[to - 1])) to--;
        return text[from..to];
    }

    /// <summary>Replaces occurrences from the left, at most <paramref name="limit"/> unless that is negative.</summary>
    public static string Replace(RenderContext context, string text, string from, string to, long limit)
    {
        if (limit < 0) limit = long.MaxValue;
        long occurrences = from.Length == 0 ? Math.Min(limit, CodePoints.Count(text) + 1L) : Math.Min(limit, Count(context, text, from));
        context.ChargeCharacters(text.Length + occurrences * to.Length);
        if (from.Length == 0)
        {
            // Python puts the replacement around every character.
            var parts = CodePoints.Split(text);
            parts.Add("");
            return string.Concat(parts.Select((part, i) => i < occurrences ? to + part : part));
        }

        if (occurrences == limit && limit < int.MaxValue)
        {
            string[] pieces = text.Split(from, (int)limit + 1);
            return string.Join(to, pieces);
        }

        return text.Replace(from, to, StringComparison.Ordinal);
    }

    /// <summary>Joins values as text.</summary>
    public static string Join(RenderContext context, string separator, List<object?> items)
    {
        var texts = items.ConvertAll(item => ValueText.Of(context, item));
        context.ChargeCharacters(texts.Sum(text => (long)text.Length) + (long)separator.Length * texts.Count);
        return string.Join(separator, texts);
    }

    /// <summary>An argument that must be a string.</summary>
    public static string Text(RenderContext context, Arguments arguments, int index) =>
        arguments.Get(index, index == 0 ? "old" : "new") is string text ? text
            : throw context.Error($"argument {index + 1} must be a string, not {Values.TypeName(arguments.Get(index, ""))}");

    private static long Limit(RenderContext context, object? value) => value is null ? -1
        : Values.TryInteger(value, out long limit) ? limit : throw context.Error($"a count must be an integer, not {Values.TypeName(value)}");

    private static List<string> Affixes(RenderContext context, Arguments arguments) => arguments.Get(0, "prefix") switch
    {
        string affix => [affix],
        List<object?> list => [.. list.OfType<string>()],
        var other => throw context.Error($"startswith and endswith need a string, not {Values.TypeName(other)}"),
    };

    private static long Count(RenderContext context, string text, string part)
    {
        context.ChargeCharacters(text.Length);
        if (part.Length == 0) return CodePoints.Count(text) + 1;
        long count = 0;
        for (int i = text.IndexOf(part, StringComparison.Ordinal); i >= 0; i = text.IndexOf(part, i + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    private static long Find(RenderContext context, string text, Arguments arguments, bool last)
    {
        string wanted = Text(context, arguments, 0);
        if (Part(context, text, arguments, out long start) is not { } part) return -1;
        int at = last ? part.LastIndexOf(wanted, StringComparison.Ordinal) : part.IndexOf(wanted, StringComparison.Ordinal);
        return at < 0 ? -1 : start + CodePoints.Count(part[..at]);
    }

    /// <summary>The part of a text between the second and the third argument; null if it begins behind the text's end.</summary>
    private static string? Part(RenderContext context, string text, Arguments arguments, out long start)
    {
        start = 0;
        if (arguments.Count < 2) return text;
        long count = CodePoints.Count(text);
        long Bound(int index, long otherwise) => arguments.Get(index, "") is not { } given ? otherwise
            : !Values.TryInteger(given, out long bound) ? throw context.Error("a place in a text must be an integer")
            : bound < 0 ? Math.Max(0, bound + count) : bound;
        start = Bound(1, 0);
        long end = Math.Min(Bound(2, count), count);
        if (start > count || end < start) return null;
        return text[CodePoints.Offset(text, (int)start)..CodePoints.Offset(text, (int)end)];
    }

    /// <summary>The text with blanks on both sides; an odd one goes as Python has it.</summary>
    public static string Center(RenderContext context, string text, int width, string filling)
    {
        int missing = width - CodePoints.Count(text);
        if (missing <= 0) return text;
        context.ChargeCharacters(width);
        int left = missing / 2 + (missing & width & 1);
        return Repeated(filling, left) + text + Repeated(filling, missing - left);
    }

    private static string Padding(RenderContext context, string text, int width, string filling)
    {
        context.ChargeCharacters(width);
        return Repeated(filling, width - CodePoints.Count(text));
    }

    private static string Repeated(string text, int count) => count <= 0 ? "" : string.Concat(Enumerable.Repeat(text, count));

    private static int Width(RenderContext context, Arguments arguments) => !Values.TryInteger(arguments.Get(0, "width"), out long width)
        ? throw context.Error("a width must be an integer") : width > MaximumWidth
        ? throw context.Error($"a width must be at most {MaximumWidth}") : (int)Math.Max(0, width);

    private static string Filling(RenderContext context, Arguments arguments) => arguments.Get(1, "fillchar", " ") is string filling
        && CodePoints.Count(filling) == 1 ? filling : throw context.Error("the filling must be one character");

    private static JinjaTuple Partition(RenderContext context, string text, string separator, bool last)
    {
        if (separator.Length == 0) throw context.Error("'partition' needs a separator");
        context.ChargeCharacters(text.Length);
        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at >= 0 ? new JinjaTuple([text[..at], separator, text[(at + separator.Length)..]])
            : new JinjaTuple(last ? ["", "", text] : [text, "", ""]);
    }

    private static string ExpandTabs(RenderContext context, string text, Arguments arguments)
    {
        if (!Values.TryInteger(arguments.Get(0, "tabsize", 8L), out long size) || size > MaximumWidth)
            throw context.Error("'expandtabs' needs a small number");
        var result = new System.Text.StringBuilder();
        int column = 0;
        foreach (char c in text)
        {
            if (c == '\t')
            {
                int blanks = size <= 0 ? 0 : (int)(size - column % size);
                context.ChargeCharacters(blanks);
                result.Append(' ', blanks);
                column += blanks;
                continue;
            }

            result.Append(c);
            column = c is '\n' or '\r' ? 0 : column + 1;
        }

        return result.ToString();
    }

    private static List<object?> Split(RenderContext context, string text, Arguments arguments, bool fromRight)
    {
        object? separator = arguments.Get(0, "sep");
        long limit = Limit(context, arguments.Get(1, "maxsplit"));
        if (limit < 0) limit = long.MaxValue;
        context.ChargeCharacters(text.Length);
        List<object?> parts = separator switch
        {
            null => SplitWhiteSpace(text, limit, fromRight),
            string { Length: > 0 } by => SplitBy(text, by, limit, fromRight),
            string => throw context.Error("'split' needs a separator that is not empty"),
            _ => throw context.Error($"'split' needs a string, not {Values.TypeName(separator)}"),
        };
        context.ChargeItems(parts.Count);
        return parts;
    }

    private static List<object?> SplitBy(string text, string by, long limit, bool fromRight)
    {
        List<object?> parts = [];
        int start = 0, end = text.Length;
        while (parts.Count < limit)
        {
            int at = fromRight
                ? end >= by.Length ? text[..end].LastIndexOf(by, StringComparison.Ordinal) : -1
                : text.IndexOf(by, start, StringComparison.Ordinal);
            if (at < 0) break;
            parts.Add(fromRight ? text[(at + by.Length)..end] : text[start..at]);
            if (fromRight) end = at;
            else start = at + by.Length;
        }

        parts.Add(text[start..end]);
        if (fromRight) parts.Reverse();
        return parts;
    }

    private static List<object?> SplitWhiteSpace(string text, long limit, bool fromRight)
    {
        List<object?> parts = [];
        int start = 0, end = text.Length;
        while (true)
        {
            while (start < end && char.IsWhiteSpace(fromRight ? text[end - 1] : text[start]))
            {
                if (fromRight) end--;
                else start++;
            }

            if (start == end) break;
            int cut = fromRight ? end : start;
            if (parts.Count >= limit) cut = fromRight ? start : end;
            else while (fromRight ? cut > start && !char.IsWhiteSpace(text[cut - 1]) : cut < end && !char.IsWhiteSpace(text[cut])) cut += fromRight ? -1 : 1;
            parts.Add(fromRight ? text[cut..end] : text[start..cut]);
            if (fromRight) end = cut;
            else start = cut;
        }

        if (fromRight) parts.Reverse();
        return parts;
    }

    private static List<object?> SplitLines(RenderContext context, string text, bool keepEnds)
    {
        context.ChargeItems(text.Length);
        List<object?> lines = [];
        for (int start = 0; start < text.Length;)
        {
            int end = text.AsSpan(start).IndexOfAny(LineEnds) is var at and >= 0 ? start + at : text.Length;
            int next = end == text.Length ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return lines;
    }
}
