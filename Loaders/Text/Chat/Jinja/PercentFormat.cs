using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Python's <c>'%s: %.1f' % (a, b)</c> and <c>'%(name)s' % {…}</c>.</summary>
internal static class PercentFormat
{
    /// <summary>Puts values into a text: one after the other, or those of a dict by name.</summary>
    public static string Apply(RenderContext context, string format, List<object?> values)
    {
        var result = new StringBuilder();
        int next = 0;
        object? Next() => next < values.Count ? values[next++] : throw context.Error("not enough values for the format text");
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            i++;
            object? named = null;
            bool isNamed = i < format.Length && format[i] == '(';
            if (isNamed)
            {
                int close = format.IndexOf(')', i);
                if (close < 0 || values is not [Dict dict]) throw context.Error("'%(name)' needs a dict");
                string name = format[(i + 1)..close];
                named = dict.TryGetValue(name, out object? item) ? item
                    : throw context.Error($"no value for '%({name})' in the format text");
                i = close + 1;
            }

            int flags = i;
            while (i < format.Length && format[i] is '#' or '0' or '-' or ' ' or '+') i++;
            FormatSpec spec = Spec(format[flags..i], ref next);
            int width = Size(ref i, Next) ?? 0;
            if (width < 0) spec = spec with { Align = '<', Fill = " " };
            int precision = -1;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = Size(ref i, Next) ?? 0;
            }

            while (i < format.Length && format[i] is 'h' or 'l' or 'L') i++;
            if (i >= format.Length) throw context.Error("format text ends inside of a '%' specification");
            if (format[i] == '%')
            {
                result.Append('%');
                continue;
            }

            string text = Directive(context, spec with { Width = Math.Abs(width), Precision = precision },
                format[i], isNamed ? named : Next());
            context.ChargeCharacters(text.Length + 1L);
            result.Append(text);
        }

        if (next < values.Count && values is not [Dict]) throw context.Error("not all values are used by the format text");
        return context.Made(result.ToString());

        int? Size(ref int i, Func<object?> value)
        {
            if (i >= format.Length || format[i] != '*') return FormatSpec.Number(context, format, ref i);
            i++;
            return Values.TryInteger(value(), out long size) && Math.Abs(size) <= FormatSpec.MaximumWidth ? (int)size
                : throw context.Error("'*' needs a small number");
        }
    }

    private static FormatSpec Spec(string flags, ref int next)
    {
        var spec = new FormatSpec { Alternate = flags.Contains('#'), Sign = flags.Contains('+') ? '+' : flags.Contains(' ') ? ' ' : '-' };
        return flags.Contains('-') ? spec with { Align = '<' } : flags.Contains('0') ? spec with { Align = '=', Fill = "0" } : spec;
    }

    private static string Directive(RenderContext context, FormatSpec spec, char kind, object? value)
    {
        if (kind is 's' or 'r' or 'a' or 'c')
        {
            string text = kind switch
            {
                's' => ValueText.Of(context, value),
                'c' when value is string { Length: 1 } letter => letter,
                'c' when Values.TryInteger(value, out long code) && code is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) =>
                    char.ConvertFromUtf32((int)code),
                'c' => throw context.Error("'%c' needs a character"),
                _ => ValueText.Repr(context, value),
            };
            return (spec with { Align = spec.Align == '<' ? '<' : '>', Fill = " ", Sign = '-', Alternate = false }).Apply(context, text);
        }

        if (!Values.TryNumber(value, out double number)) throw context.Error($"'%{kind}' needs a number, not {Values.TypeName(value)}");
        switch (kind)
        {
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                long integer = value is double ? (long)number : Values.TryInteger(value, out long whole) ? whole : 0;
                string digits = spec.Precision > 0 ? new string('0', spec.Precision) : "";
                var plain = spec with { Precision = -1, Type = kind is 'i' or 'u' ? 'd' : kind };
                return digits.Length == 0 ? plain.Apply(context, integer)
                    : (spec with { Precision = -1, Align = spec.Align == '\0' ? '>' : spec.Align, Sign = '-' }).Apply(context,
                        (plain with { Width = digits.Length + (integer < 0 || spec.Sign != '-' ? 1 : 0), Align = '=', Fill = "0" })
                            .Apply(context, integer));
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return (spec with { Type = kind }).Apply(context, number);
            default:
                throw context.Error($"'%{kind}' is not supported");
        }
    }
}
