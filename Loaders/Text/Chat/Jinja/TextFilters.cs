using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Filters that lay out or encode texts.</summary>
internal static partial class TextFilters
{
    private const int MaximumWidth = 100_000;

    private static readonly string[] SizePrefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];

    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, Filters.Filter> All { get; } = new Dictionary<string, Filters.Filter>
    {
        ["center"] = (c, value, a) => StringMethods.Center(c, ValueText.Of(c, value), Width(c, a.Get(0, "width", 80L)), " "),
        ["title"] = Title,
        ["truncate"] = Truncate,
        ["wordwrap"] = WordWrap,
        ["wordcount"] = (c, value, _) => (long)Word().Count(c.Made(ValueText.Of(c, value))),
        ["striptags"] = StripTags,
        ["urlencode"] = UrlEncode,
        ["filesizeformat"] = FileSize,
        ["xmlattr"] = XmlAttributes,
    };

    /// <summary>
    /// Every word's first letter upper case, the others lower case. Words are between blanks, hyphens and opening brackets.
    /// </summary>
    private static string Title(RenderContext context, object? value, Arguments arguments) =>
        TitleWord().Replace(context.Made(ValueText.Of(context, value)), match => CodePoints.Capitalise(match.Value));

    private static string Truncate(RenderContext context, object? value, Arguments arguments)
    {
        string text = context.Made(ValueText.Of(context, value)), end = ValueText.Of(context, arguments.Get(2, "end", "..."));
        int length = Width(context, arguments.Get(0, "length", 255L)), leeway = Width(context, arguments.Get(3, "leeway", 5L) ?? 5L);
        int rest = length - CodePoints.Count(end);
        if (rest < 0) throw context.Error($"'truncate': the length must be at least that of '{end}'");
        if (CodePoints.Count(text) <= length + leeway) return text;
        string cut = text[..CodePoints.Offset(text, rest)];
        if (Values.IsTrue(arguments.Get(1, "killwords"))) return cut + end;
        int blank = cut.LastIndexOf(' ');
        return (blank >= 0 ? cut[..blank] : cut) + end;
    }

    private static string WordWrap(RenderContext context, object? value, Arguments arguments)
    {
        int width = Width(context, arguments.Get(0, "width", 79L));
        if (width == 0) throw context.Error("'wordwrap': the width must be at least 1");
        bool breakWords = Values.IsTrue(arguments.Get(1, "break_long_words", true)),
            breakHyphens = Values.IsTrue(arguments.Get(3, "break_on_hyphens", true));
        string between = arguments.Get(2, "wrapstring") is string given ? given : "\n", text = ValueText.Of(context, value);
        context.ChargeItems(text.Length);
        string[] lines = text.Split(["\r\n", "\n", "\r"], StringSplitOptions.None);
        if (lines[^1].Length == 0) lines = lines[..^1];
        return context.Made(string.Join(between,
            lines.Select(line => string.Join(between, Wrapped(line, width, breakWords, breakHyphens)))));
    }

    /// <summary>
    /// Fills lines with words, as Python's textwrap does: blanks at the ends of lines, and at the start of all but the first, go.
    /// </summary>
    private static List<string> Wrapped(string line, int width, bool breakWords, bool breakHyphens)
    {
        var chunks = new Stack<string>(TextChunks.Of(line, breakHyphens).Reverse());
        List<string> lines = [];
        while (chunks.Count > 0)
        {
            List<string> current = [];
            int length = 0;
            if (lines.Count > 0 && string.IsNullOrWhiteSpace(chunks.Peek())) chunks.Pop();
            while (chunks.TryPeek(out string? next) && length + next.Length <= width)
            {
                current.Add(chunks.Pop());
                length += next.Length;
            }

            if (chunks.TryPeek(out string? word) && word.Length > width)
            {
                int room = width - length;
                int hyphen = breakHyphens && room > 0 ? word.LastIndexOf('-', room - 1) : -1;
                if (hyphen > 0 && word[..hyphen].Any(c => c != '-')) room = hyphen + 1;
                if (breakWords)
                {
                    chunks.Pop();
                    current.Add(word[..room]);
                    chunks.Push(word[room..]);
                }
                else if (current.Count == 0)
                {
                    current.Add(chunks.Pop());
                }
            }

            if (current is [.., var last] && string.IsNullOrWhiteSpace(last)) current.RemoveAt(current.Count - 1);
            if (current.Count > 0) lines.Add(string.Concat(current));
        }

        return lines;
    }

    private static string StripTags(RenderContext context, object? value, Arguments arguments)
    {
        string text = context.Made(ValueText.Of(context, value));
        context.ChargeItems(text.Length);
        text = Without(Without(text, "<!--", "-->"), "<", ">");
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return System.Net.WebUtility.HtmlDecode(text);
    }

    /// <summary>The text without what lies between two marks, and without them.</summary>
    private static string Without(string text, string open, string close)
    {
        var result = new StringBuilder();
        int at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is var start and >= 0
            && text.IndexOf(close, start + open.Length, StringComparison.Ordinal) is var end and >= 0)
        {
            result.Append(text, at, start - at);
            at = end + close.Length;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    private static string UrlEncode(RenderContext context, object? value, Arguments arguments)
    {
        IEnumerable<(object? Key, object? Value)>? pairs = value switch
        {
            Dict dict => dict.Select(pair => ((object?)pair.Key, pair.Value)),
            List<object?> list => list.Select(item => Values.Items(context, item) is [var key, var one] ? (key, one)
                : throw context.Error("'urlencode' needs pairs")),
            _ => null,
        };
        return pairs is null ? Quoted(context, value, "/")
            : string.Join('&', pairs.Select(pair => Quoted(context, pair.Key, "").Replace("%20", "+", StringComparison.Ordinal) + "="
                + Quoted(context, pair.Value, "").Replace("%20", "+", StringComparison.Ordinal)));
    }

    private static string Quoted(RenderContext context, object? value, string safe)
    {
        var result = new StringBuilder();
        byte[] bytes = Encoding.UTF8.GetBytes(ValueText.Of(context, value));
        context.ChargeCharacters(bytes.Length * 3L);
        foreach (byte b in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || "_.-~".Contains((char)b) || safe.Contains((char)b)) result.Append((char)b);
            else result.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return result.ToString();
    }

    private static string FileSize(RenderContext context, object? value, Arguments arguments)
    {
        double bytes = Values.TryNumber(value, out double number) ? number
            : value is string text && PythonNumber.TryParse(text, out double parsed) ? parsed
            : throw context.Error($"'filesizeformat' needs a number, not {Values.TypeName(value)}");
        bool binary = Values.IsTrue(arguments.Get(0, "binary"));
        double unit = binary ? 1024 : 1000;
        if (bytes == 1) return "1 Byte";
        if (bytes < unit) return $"{(long)bytes} Bytes";
        double size = unit;
        int prefix = 0;
        for (; prefix + 1 < SizePrefixes.Length && bytes >= size * unit; prefix++) size *= unit;
        string name = binary ? SizePrefixes[prefix].ToUpperInvariant() + "iB" : SizePrefixes[prefix] + "B";
        return $"{PythonNumber.Fixed(bytes / size, 1)} {name}";
    }

    private static string XmlAttributes(RenderContext context, object? value, Arguments arguments)
    {
        if (value is not Dict dict) throw context.Error($"'xmlattr' needs a dict, not {Values.TypeName(value)}");
        string text = string.Join(' ', dict.Where(pair => pair.Value is not (null or Undefined)).Select(pair =>
        {
            string key = ValueText.Of(context, pair.Key);
            if (key.Any(c => char.IsWhiteSpace(c) || c is '/' or '>' or '='))
                throw context.Error($"'xmlattr': '{key}' is no name of an attribute");
            return $"{Filters.Escape(context, key)}=\"{Filters.Escape(context, ValueText.Of(context, pair.Value))}\"";
        }));
        return text.Length > 0 && Values.IsTrue(arguments.Get(0, "autospace", true)) ? " " + text : text;
    }

    private static int Width(RenderContext context, object? value) =>
        Values.TryInteger(value, out long width) && width is >= 0 and <= MaximumWidth
        ? (int)width : throw context.Error($"a width must be 0 to {MaximumWidth}");

    [GeneratedRegex(@"\w+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex(@"[^-\s({\[<]+", RegexOptions.CultureInvariant)]
    private static partial Regex TitleWord();
}
