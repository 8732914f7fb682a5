using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Values as Python's <c>str</c> and <c>repr</c> print them.</summary>
internal static class ValueText
{
    /// <summary>What <c>{{ value }}</c> prints.</summary>
    public static string Of(RenderContext context, object? value)
    {
        switch (value)
        {
            case string text: return text;
            case Undefined: return "";
            case null or bool or long or double: return Scalar(value);
            default:
                var result = new StringBuilder();
                Repr(context, value, result);
                return result.ToString();
        }
    }

    /// <summary>What Python's <c>repr</c> prints.</summary>
    public static string Repr(RenderContext context, object? value)
    {
        var result = new StringBuilder();
        Repr(context, value, result);
        return result.ToString();
    }

    /// <summary>Python's form of a float: shortest digits that read back the same, always with a point or an exponent.</summary>
    public static string Of(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        int exponent = Exponent(shortest);
        if (exponent is >= -4 and < 16)
        {
            string plain = shortest.Contains('E') ? value.ToString("0.####################", CultureInfo.InvariantCulture) : shortest;
            return plain.Contains('.') ? plain : plain + ".0";
        }

        // .NET switches to an exponent at other sizes than Python: build it from the digits.
        string digits = shortest.Contains('E') ? shortest[..shortest.IndexOf('E')] : Mantissa(shortest);
        return $"{digits}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    /// <summary>Power of ten of the first digit of a number in .NET's shortest form.</summary>
    private static int Exponent(string shortest)
    {
        int e = shortest.IndexOf('E');
        if (e >= 0) return int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string digits = shortest.TrimStart('-');
        int point = digits.IndexOf('.') is var at and >= 0 ? at : digits.Length;
        return digits[0] != '0' ? point - 1 : -digits.AsSpan(2).IndexOfAnyExcept('0') - 1;
    }

    private static string Mantissa(string plain)
    {
        string sign = plain.StartsWith('-') ? "-" : "";
        string digits = plain.TrimStart('-').Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        return digits.Length > 1 ? $"{sign}{digits[0]}.{digits[1..]}" : sign + digits;
    }

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool truth => truth ? "True" : "False",
        long integer => integer.ToString(CultureInfo.InvariantCulture),
        double number => Of(number),
        _ => "",
    };

    private static void Repr(RenderContext context, object? value, StringBuilder result)
    {
        context.Enter();
        context.ChargeItems(1);
        int start = result.Length;
        switch (value)
        {
            case string text:
                Quote(text, result);
                break;
            case Undefined:
                result.Append("Undefined");
                break;
            case List<object?> list:
                bool tuple = list is JinjaTuple;
                result.Append(tuple ? '(' : '[');
                for (int i = 0; i < list.Count; i++)
                {
                    if (i > 0) result.Append(", ");
                    Repr(context, list[i], result);
                }

                if (tuple && list.Count == 1) result.Append(',');
                result.Append(tuple ? ')' : ']');
                break;
            case Dict dict:
                result.Append('{');
                bool first = true;
                foreach (var (key, item) in dict)
                {
                    if (!first) result.Append(", ");
                    first = false;
                    Repr(context, key, result);
                    result.Append(": ");
                    Repr(context, item, result);
                }

                result.Append('}');
                break;
            case Function function:
                result.Append('<').Append(function.Name).Append('>');
                break;
            case Namespace or LoopState or Cycler:
                result.Append('<').Append(Values.TypeName(value)).Append('>');
                break;
            default:
                result.Append(Scalar(value));
                break;
        }

        context.ChargeCharacters(result.Length - start);
        context.Leave();
    }

    private static void Quote(string text, StringBuilder result)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        foreach (char c in text)
        {
            _ = c switch
            {
                '\\' => result.Append(@"\\"),
                '\n' => result.Append(@"\n"),
                '\r' => result.Append(@"\r"),
                '\t' => result.Append(@"\t"),
                < ' ' or '\x7F' => result.Append(CultureInfo.InvariantCulture, $@"\x{(int)c:x2}"),
                _ when c == quote => result.Append('\\').Append(c),
                _ => result.Append(c),
            };
        }

        result.Append(quote);
    }
}
