using System.Globalization;
using System.Numerics;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>
/// Numbers as Python rounds and prints them: from a double's exact value, halves to the even digit. .NET's own formats round halves up.
/// </summary>
internal static class PythonNumber
{
    /// <summary>Most digits behind the point that a double has.</summary>
    private const int MostDigits = 1100;

    /// <summary>Reads a float as Python's <c>float()</c> does.</summary>
    public static bool TryParse(string text, out double value)
    {
        text = text.Trim();
        string word = text.TrimStart('-', '+').ToLowerInvariant();
        if (word is "inf" or "infinity" or "nan")
        {
            value = word == "nan" ? double.NaN : text.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity;
            return text.Length <= word.Length + 1;
        }

        bool plain = text.All(c => char.IsAsciiDigit(c) || c is '.' or '-' or '+' or 'e' or 'E' or '_')
            && !text.StartsWith('_') && !text.EndsWith('_');
        value = 0;
        return plain
            && double.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Python's <c>round(value, digits)</c>.</summary>
    public static double Round(double value, int digits)
    {
        if (!double.IsFinite(value) || value == 0) return value;
        double rounded = double.Parse($"{Scaled(value, digits)}E{-digits}", CultureInfo.InvariantCulture);
        return rounded == 0 ? Math.CopySign(0, value) : rounded;
    }

    /// <summary>Format <c>f</c> of the absolute value.</summary>
    public static string Fixed(double value, int precision)
    {
        if (!double.IsFinite(value)) return double.IsNaN(value) ? "nan" : "inf";
        string digits = Scaled(Math.Abs(value), precision).ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        return precision == 0 ? digits : $"{digits[..^precision]}.{digits[^precision..]}";
    }

    /// <summary>Format <c>e</c> of the absolute value.</summary>
    public static string Exponential(double value, int precision)
    {
        if (!double.IsFinite(value)) return double.IsNaN(value) ? "nan" : "inf";
        var (digits, exponent) = Significant(Math.Abs(value), precision + 1);
        return $"{digits[0]}{(precision > 0 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    /// <summary>Format <c>g</c> of the absolute value.</summary>
    /// <param name="value">The number.</param>
    /// <param name="precision">Significant digits.</param>
    /// <param name="keepZeros">Whether zeros at the end stay.</param>
    public static string General(double value, int precision, bool keepZeros)
    {
        if (!double.IsFinite(value)) return double.IsNaN(value) ? "nan" : "inf";
        precision = Math.Max(precision, 1);
        var (_, exponent) = Significant(Math.Abs(value), precision);
        bool plain = exponent >= -4 && exponent < precision;
        string text = plain ? Fixed(value, precision - 1 - exponent) : Exponential(value, precision - 1);
        if (keepZeros || !text.Contains('.')) return text;
        string[] parts = text.Split('e');
        parts[0] = parts[0].TrimEnd('0').TrimEnd('.');
        return string.Join('e', parts);
    }

    /// <summary>The first digits of a number and the power of ten of the first one.</summary>
    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0) return (new string('0', count), 0);
        int exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            string digits = Scaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count) return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1;
        }
    }

    /// <summary>value · 10^digits, rounded to an integer.</summary>
    private static BigInteger Scaled(double value, int digits)
    {
        digits = Math.Clamp(digits, -MostDigits, MostDigits);
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger numerator = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52), denominator = BigInteger.One;
        exponent = Math.Max(exponent, 1) - 1075;
        if (exponent > 0) numerator <<= exponent;
        else denominator <<= -exponent;
        if (digits > 0) numerator *= BigInteger.Pow(10, digits);
        else denominator *= BigInteger.Pow(10, -digits);
        var quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        int half = (rest * 2).CompareTo(denominator);
        if (half > 0 || (half == 0 && !quotient.IsEven)) quotient++;
        return value < 0 ? -quotient : quotient;
    }
}
