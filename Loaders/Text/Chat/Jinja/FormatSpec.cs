using System.Buffers;
using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>How Python prints one value into a text: <c>fill align sign # 0 width , .precision type</c>.</summary>
internal sealed record FormatSpec
{
    /// <summary>Largest width and precision.</summary>
    public const int MaximumWidth = 1000;

    private const string Types = "bcdeEfFgGnosxX%";

    /// <summary>What fills the width.</summary>
    public string Fill { get; init; } = " ";

    /// <summary>&lt; left, &gt; right, ^ centre, = behind the sign; '\0' for what the type has.</summary>
    public char Align { get; init; }

    /// <summary>+ always, blank for positive numbers, - only for negative ones.</summary>
    public char Sign { get; init; } = '-';

    /// <summary>Prefixes of bases, and points that would be left out.</summary>
    public bool Alternate { get; init; }

    /// <summary>Least length.</summary>
    public int Width { get; init; }

    /// <summary>Between groups of digits; '\0' for none.</summary>
    public char Group { get; init; }

    /// <summary>Digits behind the point, or most characters; -1 for none.</summary>
    public int Precision { get; init; } = -1;

    /// <summary>How to print; '\0' for what the value has.</summary>
    public char Type { get; init; }

    /// <summary>Reads what stands behind the colon of <c>{:…}</c>.</summary>
    public static FormatSpec Parse(RenderContext context, string text)
    {
        var spec = new FormatSpec();
        int i = 0, first = text.Length > 0 && char.IsSurrogatePair(text, 0) ? 2 : 1;
        if (text.Length > first && text[first] is '<' or '>' or '^' or '=')
        {
            spec = spec with { Fill = text[..first], Align = text[first] };
            i = first + 1;
        }
        else if (text.Length > 0 && text[0] is '<' or '>' or '^' or '=')
        {
            spec = spec with { Align = text[i++] };
        }

        if (i < text.Length && text[i] is '+' or '-' or ' ') spec = spec with { Sign = text[i++] };
        if (i < text.Length && text[i] == 'z') i++;
        if (i < text.Length && text[i] == '#')
        {
            spec = spec with { Alternate = true };
            i++;
        }

        if (i < text.Length && text[i] == '0')
        {
            if (spec.Align == '\0') spec = spec with { Fill = "0", Align = '=' };
            i++;
        }

        if (Number(context, text, ref i) is { } width) spec = spec with { Width = width };
        if (i < text.Length && text[i] is ',' or '_') spec = spec with { Group = text[i++] };
        if (i < text.Length && text[i] == '.')
        {
            i++;
            spec = spec with { Precision = Number(context, text, ref i)
                ?? throw context.Error("a format without digits behind its point") };
        }

        if (i < text.Length && Types.Contains(text[i])) spec = spec with { Type = text[i++] };
        return i == text.Length ? spec : throw context.Error($"format '{text}' is not understood");
    }

    /// <summary>Digits at a place, or null.</summary>
    public static int? Number(RenderContext context, string text, ref int i)
    {
        int start = i;
        while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
        if (i == start) return null;
        return int.TryParse(text.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number <= MaximumWidth
            ? number : throw context.Error($"format width '{text[start..i]}' is too large");
    }

    /// <summary>Prints a value.</summary>
    public string Apply(RenderContext context, object? value) => value switch
    {
        string text => Text(context, text),
        bool when Type == '\0' && Width == 0 => ValueText.Of(context, value),
        long or bool when !"eEfFgG%".Contains(Type) && Values.TryInteger(value, out long integer) => Integer(context, integer),
        long or bool or double when Values.TryNumber(value, out double number) => Real(context, number),
        _ => this == new FormatSpec() ? ValueText.Of(context, value) : throw context.Error($"a format does not work on {Values.TypeName(value)}"),
    };

    private string Text(RenderContext context, string text)
    {
        if (Type is not ('\0' or 's')) throw context.Error($"format '{Type}' needs a number, not string");
        if (Precision >= 0 && CodePoints.Count(text) > Precision) text = text[..CodePoints.Offset(text, Precision)];
        return Pad(context, "", text, Align == '\0' ? '<' : Align);
    }

    private string Integer(RenderContext context, long value)
    {
        ulong magnitude = value < 0 ? unchecked((ulong)-value) : (ulong)value;
        string digits = Type switch
        {
            'b' => magnitude.ToString("b", CultureInfo.InvariantCulture),
            'o' => magnitude == 0 ? "0" : Octal(magnitude),
            'x' => magnitude.ToString("x", CultureInfo.InvariantCulture),
            'X' => magnitude.ToString("X", CultureInfo.InvariantCulture),
            'c' => value is >= 0 and <= 0x10FFFF ? char.ConvertFromUtf32((int)value) : throw context.Error("'c' needs a code point"),
            's' => throw context.Error("format 's' needs a string, not integer"),
            _ => magnitude.ToString(CultureInfo.InvariantCulture),
        };
        if (Type == 'c') return Pad(context, "", digits, Align == '\0' ? '<' : Align);
        string prefix = Alternate && Type is 'b' or 'o' or 'x' or 'X' ? "0" + Type : "";
        return Pad(context, SignOf(value < 0) + prefix,
            Grouped(digits, Type is 'b' or 'o' or 'x' or 'X' ? 4 : 3), Align == '\0' ? '>' : Align);
    }

    private string Real(RenderContext context, double value)
    {
        bool negative = double.IsNegative(value) && !double.IsNaN(value);
        int precision = Precision < 0 ? 6 : Precision;
        string digits = Type switch
        {
            'e' or 'E' => PythonNumber.Exponential(value, precision),
            'f' or 'F' => PythonNumber.Fixed(value, precision),
            'g' or 'G' or 'n' => PythonNumber.General(value, precision, Alternate),
            '%' => PythonNumber.Fixed(value * 100, precision) + "%",
            '\0' when Precision < 0 => ValueText.Of(Math.Abs(value)),
            '\0' => PythonNumber.General(value, precision, keepZeros: false) is var text
                && text.All(char.IsAsciiDigit) ? text + ".0" : text,
            _ => throw context.Error($"format '{Type}' does not work on float"),
        };
        if (char.IsUpper(Type)) digits = digits.ToUpperInvariant();
        return Pad(context, SignOf(negative), Grouped(digits, 3), Align == '\0' ? '>' : Align);
    }

    private string SignOf(bool negative) => negative ? "-" : Sign == '-' ? "" : Sign.ToString();

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private string Grouped(string digits, int size)
    {
        int end = digits.AsSpan().IndexOfAnyExcept(HexDigits) is var stop and >= 0 ? stop : digits.Length;
        if (Group == '\0') return digits;
        var text = new StringBuilder(digits[..end]);
        for (int i = end - size; i > 0; i -= size) text.Insert(i, Group);
        return text.Append(digits[end..]).ToString();
    }

    private string Pad(RenderContext context, string sign, string text, char align)
    {
        int missing = Width - CodePoints.Count(text) - sign.Length;
        if (missing <= 0) return sign + text;
        context.ChargeCharacters(missing);
        string Filling(int count) => string.Concat(Enumerable.Repeat(Fill, count));
        return align switch
        {
            '<' => sign + text + Filling(missing),
            '^' => Filling(missing / 2) + sign + text + Filling(missing - missing / 2),
            '=' => sign + Filling(missing) + text,
            _ => Filling(missing) + sign + text,
        };
    }

    private static string Octal(ulong value)
    {
        var digits = new StringBuilder();
        for (; value > 0; value >>= 3) digits.Insert(0, (char)('0' + (value & 7)));
        return digits.ToString();
    }
}
