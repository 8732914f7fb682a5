using System.Globalization;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Filters on single values: <c>value | name</c>. Those on sequences are in <see cref="SequenceFilters"/>.</summary>
internal static class Filters
{
    internal delegate object? Filter(RenderContext context, object? value, Arguments arguments);

    private const int MaximumIndent = 1000;

    private static readonly Dictionary<string, Filter> All = new(SequenceFilters.All.Concat(TextFilters.All))
    {
        ["tojson"] = ToJson,
        ["trim"] = (c, value, a) => c.Made(StringMethods.Strip(c, ValueText.Of(c, value), a.Get(0, "chars"), start: true, end: true)),
        ["string"] = (c, value, _) => c.Made(ValueText.Of(c, value)),
        ["upper"] = (c, value, _) => c.Made(ValueText.Of(c, value).ToUpperInvariant()),
        ["lower"] = (c, value, _) => c.Made(ValueText.Of(c, value).ToLowerInvariant()),
        ["capitalize"] = (c, value, _) => c.Made(CodePoints.Capitalise(ValueText.Of(c, value))),
        ["safe"] = (_, value, _) => value,
        ["escape"] = (c, value, _) => Escape(c, ValueText.Of(c, value)),
        ["e"] = (c, value, _) => Escape(c, ValueText.Of(c, value)),
        ["forceescape"] = (c, value, _) => Escape(c, ValueText.Of(c, value)),
        ["attr"] = (c, value, a) => Members.GetAttribute(c, value, StringMethods.Text(c, a, 0), attributesOnly: true),
        ["default"] = Default,
        ["d"] = Default,
        ["replace"] = (c, value, a) => StringMethods.Replace(c, ValueText.Of(c, value), StringMethods.Text(c, a, 0), StringMethods.Text(c, a, 1),
            Values.TryInteger(a.Get(2, "count"), out long limit) ? limit : -1),
        ["indent"] = Indent,
        ["format"] = (c, value, a) => PercentFormat.Apply(c, ValueText.Of(c, value),
            a.Named.Count > 0 ? [Dict.Of([.. a.Named])] : a.Positional),
        ["int"] = ToInteger,
        ["float"] = ToFloat,
        ["abs"] = (c, value, _) => value switch
        {
            long integer and not long.MinValue => (object)Math.Abs(integer),
            double number => Math.Abs(number),
            bool truth => truth ? 1L : 0L,
            _ => throw c.Error($"'abs' needs a number, not {Values.TypeName(value)}"),
        },
        ["round"] = Round,
        ["items"] = (c, value, _) => value switch
        {
            Dict dict => CollectionMethods.Pairs(c, dict),
            Undefined => new List<object?>(),
            _ => throw c.Error($"'items' needs a dict, not {Values.TypeName(value)}"),
        },
    };

    /// <summary>The filter of a name, or null.</summary>
    public static Filter? Find(string name) => All.GetValueOrDefault(name);

    private static object? Default(RenderContext context, object? value, Arguments arguments)
    {
        bool alsoFalse = Values.IsTrue(arguments.Get(1, "boolean"));
        return value is Undefined || (alsoFalse && !Values.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value;
    }

    private static string ToJson(RenderContext context, object? value, Arguments arguments)
    {
        object? given = arguments.Get(0, "indent");
        string? indent = null;
        if (given is string text)
        {
            indent = text;
        }
        else if (given is not null)
        {
            if (!Values.TryInteger(given, out long width) || width > MaximumIndent) throw context.Error("'tojson': indent must be a small number");
            indent = new string(' ', (int)Math.Max(width, 0));
        }

        string item = indent is null ? ", " : ",", key = ": ";
        if (arguments.Get(int.MaxValue, "separators") is List<object?> { Count: 2 } separators)
            (item, key) = (ValueText.Of(context, separators[0]), ValueText.Of(context, separators[1]));
        var json = new ValueJson(context, indent, item, key, Values.IsTrue(arguments.Get(int.MaxValue, "sort_keys")),
            Values.IsTrue(arguments.Get(int.MaxValue, "ensure_ascii")));
        return json.Write(value);
    }

    private static string Indent(RenderContext context, object? value, Arguments arguments)
    {
        object? width = arguments.Get(0, "width", 4L);
        bool first = Values.IsTrue(arguments.Get(1, "first")), blank = Values.IsTrue(arguments.Get(2, "blank"));
        if (width is not string && !(Values.TryInteger(width, out long spaces) && spaces <= MaximumIndent))
            throw context.Error("'indent' needs a small number or a string");
        string by = width as string ?? new string(' ', (int)Math.Max(0, Values.TryInteger(width, out long count) ? count : 0));
        string[] lines = ValueText.Of(context, value).Split('\n');
        context.ChargeCharacters(lines.Sum(line => (long)line.Length + by.Length));
        for (int i = first ? 0 : 1; i < lines.Length; i++)
        {
            if (blank || lines[i].Length > 0 || i == 0) lines[i] = by + lines[i];
        }

        return string.Join('\n', lines);
    }

    /// <summary>HTML's escapes.</summary>
    public static string Escape(RenderContext context, string text)
    {
        context.ChargeCharacters(text.Length * 5L);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal);
    }

    private static object? ToInteger(RenderContext context, object? value, Arguments arguments)
    {
        object? otherwise = arguments.Get(0, "default", 0L);
        switch (value)
        {
            case long or bool:
                return Values.TryInteger(value, out long same) ? same : 0L;
            case double number when Math.Abs(number) < 9e18:
                return (long)number;
            case string text:
                if (!Values.TryInteger(arguments.Get(1, "base", 10L), out long radix)) throw context.Error("'int': base must be a number");
                if (TryParse(text.Trim(), radix, out long integer)) return integer;
                return PythonNumber.TryParse(text, out double real) && Math.Abs(real) < 9e18 ? (long)real : otherwise;
            default:
                return otherwise;
        }
    }

    /// <summary>Digits of a base, behind the prefix that Python has for it if there is one.</summary>
    private static bool TryParse(string text, long radix, out long integer)
    {
        integer = 0;
        if (radix is < 2 or > 36) return false;
        bool negative = text.StartsWith('-');
        string digits = text.TrimStart('-', '+').Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
        string prefix = radix switch { 16 => "0x", 8 => "0o", 2 => "0b", _ => "" };
        if (prefix.Length > 0 && digits.StartsWith(prefix, StringComparison.Ordinal)) digits = digits[2..];
        if (digits.Length == 0 || text.Length - digits.Length > 3 + text.Count(c => c == '_')) return false;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : 36;
            if (digit >= radix || integer > (long.MaxValue - digit) / radix) return false;
            integer = integer * radix + digit;
        }

        if (negative) integer = -integer;
        return true;
    }

    private static object? ToFloat(RenderContext context, object? value, Arguments arguments)
    {
        if (Values.TryNumber(value, out double number)) return number;
        return value is string text && PythonNumber.TryParse(text, out double parsed) ? parsed : arguments.Get(0, "default", 0.0);
    }

    private static object? Round(RenderContext context, object? value, Arguments arguments)
    {
        if (!Values.TryNumber(value, out double number)) throw context.Error($"'round' needs a number, not {Values.TypeName(value)}");
        if (!Values.TryInteger(arguments.Get(0, "precision", 0L), out long precision) || precision is < -300 or > 300)
            throw context.Error("'round': precision must be a small number");
        object? method = arguments.Get(1, "method", "common");
        if (method is "common")
        {
            if (value is double) return PythonNumber.Round(number, (int)precision);
            return precision >= 0 ? Values.TryInteger(value, out long whole) ? whole : 0L
                : (long)PythonNumber.Round(number, (int)precision);
        }

        double factor = Math.Pow(10, precision);
        return method switch
        {
            "ceil" => Math.Ceiling(number * factor) / factor,
            "floor" => Math.Floor(number * factor) / factor,
            _ => throw context.Error("'round': method must be common, ceil or floor"),
        };
    }
}
