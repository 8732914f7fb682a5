using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Chat.Jinja;

/// <summary>Python's two ways of putting values into a text: <c>'%s: %.1f' % (a, b)</c> and <c>'{}: {name}'.format(a, name=b)</c>.</summary>
internal static class StringFormat
{
    private const int MaximumWidth = 1000;

    /// <summary>The percent form: <c>%s %r %d %i %f %x %%</c> with flags, width and precision.</summary>
    public static string Percent(RenderContext context, string format, List<object?> values)
    {
        var result = new StringBuilder();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            int start = ++i;
            while (i < format.Length && (char.IsAsciiDigit(format[i]) || format[i] is '-' or '+' or ' ' or '.')) i++;
            if (i >= format.Length) throw context.Error("format text ends inside of a '%' specification");
            if (format[i] == '%')
            {
                result.Append('%');
                continue;
            }

            if (next >= values.Count) throw context.Error("not enough values for the format text");
            result.Append(Directive(context, format[start..i], format[i], values[next++]));
            context.ChargeCharacters(1);
        }

        return context.Made(result.ToString());
    }

    /// <summary>The brace form: <c>{}</c>, <c>{0}</c>, <c>{name}</c>, <c>{{</c> and <c>}}</c>.</summary>
    public static string Braces(RenderContext context, string format, Arguments arguments)
    {
        var result = new StringBuilder();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c)
            {
                result.Append(c);
                i++;
            }
            else if (c == '{')
            {
                int end = format.IndexOf('}', i);
                if (end < 0) throw context.Error("'{' without '}' in the format text");
                string field = format[(i + 1)..end];
                int index = field.Length == 0 ? next++ : int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int at) ? at : int.MaxValue;
                if (!arguments.Has(index, field)) throw context.Error($"no value for '{{{field}}}' in the format text");
                string text = ValueText.Of(context, arguments.Get(index, field));
                context.ChargeCharacters(text.Length);
                result.Append(text);
                i = end;
            }
            else
            {
                result.Append(c);
            }
        }

        return context.Made(result.ToString());
    }

    private static string Directive(RenderContext context, string flags, char kind, object? value)
    {
        string digits = flags.TrimStart('-', '+', ' ', '0');
        string[] parts = digits.Split('.');
        int width = Number(context, parts[0]), precision = parts.Length > 1 ? Number(context, parts[1]) : -1;
        string text;
        if (kind is 's' or 'r')
        {
            text = kind == 's' ? ValueText.Of(context, value) : ValueText.Of(context, new JinjaTuple([value]))[1..^2];
            if (precision >= 0 && precision < text.Length) text = text[..precision];
        }
        else
        {
            if (!Values.TryNumber(value, out double number)) throw context.Error($"'%{kind}' needs a number, not {Values.TypeName(value)}");
            text = kind switch
            {
                'd' or 'i' => Math.Truncate(number).ToString("F0", CultureInfo.InvariantCulture),
                'f' => number.ToString("F" + (precision < 0 ? 6 : precision), CultureInfo.InvariantCulture),
                'x' => ((long)number).ToString("x", CultureInfo.InvariantCulture),
                _ => throw context.Error($"'%{kind}' is not supported"),
            };
            if (flags.Contains('+') && number >= 0) text = "+" + text;
        }

        if (flags.Contains('-')) return text.PadRight(width);
        return flags.TrimStart('+', ' ').StartsWith('0') && kind is not ('s' or 'r') ? text.PadLeft(width, '0') : text.PadLeft(width);
    }

    private static int Number(RenderContext context, string digits)
    {
        if (digits.Length == 0) return 0;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= MaximumWidth
            ? number : throw context.Error($"format width '{digits}' is too large");
    }
}
