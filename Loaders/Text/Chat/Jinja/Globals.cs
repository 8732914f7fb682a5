using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>The functions that every template can call.</summary>
internal static class Globals
{
    private static readonly Function[] All =
    [
        new("raise_exception", (context, arguments) =>
            throw new ChatTemplateException(context.Line, ValueText.Of(context, arguments.Get(0, "message", "")), raisedByTemplate: true)),
        new("namespace", MakeNamespace),
        new("dict", MakeDict),
        new("range", Range),
        new("joiner", MakeJoiner),
        new("cycler", (context, arguments) => arguments.Count > 0 ? new Cycler(arguments.Positional)
            : throw context.Error("'cycler' needs values")),
        new("strftime_now", (context, arguments) => StrfTime(context, context.Now, StringMethods.Text(context, arguments, 0))),
    ];

    /// <summary>Defines them all.</summary>
    public static void AddTo(Scope scope)
    {
        foreach (Function function in All) scope.Set(function.Name, function);
    }

    private static Namespace MakeNamespace(RenderContext context, Arguments arguments)
    {
        var space = new Namespace();
        if (arguments.Get(0, "") is Dict dict)
        {
            foreach (var (key, value) in dict) space.Attributes[ValueText.Of(context, key)] = value;
        }

        foreach (var (name, value) in arguments.Named) space.Attributes[name] = value;
        return space;
    }

    private static Dict MakeDict(RenderContext context, Arguments arguments)
    {
        var result = new Dict();
        object? given = arguments.Get(0, "");
        if (given is Dict dict)
        {
            context.ChargeItems(dict.Count);
            foreach (var (key, value) in dict) result[key] = value;
        }
        else if (given is not null)
        {
            foreach (object? item in Values.Items(context, given))
            {
                if (Values.Items(context, item) is not [var key, var value] || !Values.IsKey(key))
                    throw context.Error("'dict' needs pairs");
                result[key!] = value;
            }
        }

        foreach (var (name, value) in arguments.Named) result[name] = value;
        return result;
    }

    /// <summary>A function that gives nothing at its first call and the separator from then on.</summary>
    private static Function MakeJoiner(RenderContext context, Arguments arguments)
    {
        string separator = ValueText.Of(context, arguments.Get(0, "sep", ", "));
        bool used = false;
        return new Function("joiner", (_, _) =>
        {
            string text = used ? separator : "";
            used = true;
            return text;
        });
    }

    private static List<object?> Range(RenderContext context, Arguments arguments)
    {
        long At(int index) => Values.TryInteger(arguments.Get(index, ""), out long bound) ? bound : throw context.Error("'range' needs integers");
        long start = arguments.Count > 1 ? At(0) : 0, stop = arguments.Count > 1 ? At(1) : At(0), step = arguments.Count > 2 ? At(2) : 1;
        if (step == 0) throw context.Error("'range' with step 0");
        Int128 span = step > 0 ? (Int128)stop - start : (Int128)start - stop, stride = step > 0 ? step : -(Int128)step;
        Int128 count = span <= 0 ? 0 : (span + stride - 1) / stride;
        context.ChargeItems((long)Int128.Min(count, long.MaxValue));
        var result = new List<object?>((int)count);
        for (long i = 0; i < (long)count; i++) result.Add(start + i * step);
        return result;
    }

    /// <summary>A time by C's <c>strftime</c> directives.</summary>
    public static string StrfTime(RenderContext context, DateTime time, string format)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            // "%-d" drops the leading zero.
            bool plain = format[i + 1] == '-' && i + 2 < format.Length;
            char directive = format[i += plain ? 2 : 1];
            string text = Directive(time, directive) ?? throw context.Error($"'strftime_now': '%{directive}' is not supported");
            result.Append(plain && text.Length > 1 ? text.TrimStart('0') is { Length: > 0 } trimmed ? trimmed : "0" : text);
        }

        return context.Made(result.ToString());
    }

    private static string? Directive(DateTime time, char directive)
    {
        string Net(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return directive switch
        {
            'Y' => Net("yyyy"),
            'y' => Net("yy"),
            'm' => Net("MM"),
            'd' => Net("dd"),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'B' => Net("MMMM"),
            'b' or 'h' => Net("MMM"),
            'A' => Net("dddd"),
            'a' => Net("ddd"),
            'H' => Net("HH"),
            'I' => Net("hh"),
            'M' => Net("mm"),
            'S' => Net("ss"),
            'p' => Net("tt"),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
            'F' => Net("yyyy-MM-dd"),
            'T' => Net("HH:mm:ss"),
            'R' => Net("HH:mm"),
            'D' => Net("MM/dd/yy"),
            'c' => Net("ddd MMM ") + time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2) + Net(" HH:mm:ss yyyy"),
            'x' => Net("MM/dd/yy"),
            'X' => Net("HH:mm:ss"),
            'U' => ((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7).ToString("00", CultureInfo.InvariantCulture),
            'W' => ((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7).ToString("00", CultureInfo.InvariantCulture),
            'V' => ISOWeek.GetWeekOfYear(time).ToString("00", CultureInfo.InvariantCulture),
            'G' => ISOWeek.GetYear(time).ToString("0000", CultureInfo.InvariantCulture),
            'C' => (time.Year / 100).ToString("00", CultureInfo.InvariantCulture),
            'f' => Net("ffffff"),
            'z' or 'Z' => "",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => null,
        };
    }
}
