using System.Globalization;

namespace TinyMllm.Loaders.Chat.Jinja;

/// <summary>Filters on single values: <c>value | name</c>. Those on sequences are in <see cref="SequenceFilters"/>.</summary>
internal static class Filters
{
    internal delegate object? Filter(RenderContext context, object? value, Arguments arguments);

    private const int MaximumIndent = 1000;

    private static readonly Dictionary<string, Filter> All = new(SequenceFilters.All)
    {
        ["tojson"] = ToJson,
        ["trim"] = (c, value, a) => c.Made(StringMethods.Strip(c, ValueText.Of(c, value), a.Get(0, "chars"), start: true, end: true)),
        ["string"] = (c, value, _) => c.Made(ValueText.Of(c, value)),
        ["upper"] = (c, value, _) => c.Made(ValueText.Of(c, value).ToUpperInvariant()),
        ["lower"] = (c, value, _) => c.Made(ValueText.Of(c, value).ToLowerInvariant()),
        ["capitalize"] = (c, value, _) => c.Made(CodePoints.Capitalise(ValueText.Of(c, value))),
        ["title"] = (c, value, _) => c.Made(CodePoints.Title(ValueText.Of(c, value))),
        ["safe"] = (_, value, _) => value,
        ["escape"] = (c, value, _) => Escape(c, ValueText.Of(c, value)),
        ["e"] = (c, value, _) => Escape(c, ValueText.Of(c, value)),
        ["default"] = Default,
        ["d"] = Default,
        ["replace"] = (c, value, a) => StringMethods.Replace(c, ValueText.Of(c, value), StringMethods.Text(c, a, 0), StringMethods.Text(c, a, 1),
            Values.TryInteger(a.Get(2, "count"), out long limit) ? limit : -1),
        ["indent"] = Indent,
        ["format"] = (c, value, a) => StringFormat.Percent(c, ValueText.Of(c, value), a.Positional),
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
        ["wordcount"] = (c, value, _) => (long)ValueText.Of(c, value).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length,
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
        if (given is string text) indent = text;
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

    private static string Escape(RenderContext context, string text)
    {
        context.ChargeCharacters(text.Length * 5L);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal);
    }

    private static object? ToInteger(RenderContext context, object? value, Arguments arguments)
    {
        switch (value)
        {
            case long or bool:
                return Values.TryInteger(value, out long same) ? same : 0L;
            case double number when Math.Abs(number) < 9e18:
                return (long)number;
            case string text when long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer):
                return integer;
            case string text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double real) && Math.Abs(real) < 9e18:
                return (long)real;
            default:
                return arguments.Get(0, "default", 0L);
        }
    }

    private static object? ToFloat(RenderContext context, object? value, Arguments arguments)
    {
        if (Values.TryNumber(value, out double number)) return number;
        return value is string text && double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed)
            ? parsed : arguments.Get(0, "default", 0.0);
    }

    private static object? Round(RenderContext context, object? value, Arguments arguments)
    {
        if (!Values.TryNumber(value, out double number)) throw context.Error($"'round' needs a number, not {Values.TypeName(value)}");
        if (!Values.TryInteger(arguments.Get(0, "precision", 0L), out long precision) || precision is < 0 or > 15)
            throw context.Error("'round': precision must be 0 to 15");
        double factor = Math.Pow(10, precision);
        return arguments.Get(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(number * factor) / factor,
            "floor" => Math.Floor(number * factor) / factor,
            _ => Math.Round(number, (int)precision, MidpointRounding.ToEven),
        };
    }
}
