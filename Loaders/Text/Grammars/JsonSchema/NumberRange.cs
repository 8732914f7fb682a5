using System.Globalization;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>Grammars for the decimal numbers between two bounds.</summary>
internal static class NumberRange
{
    /// <summary>Most digits where there is no upper bound.</summary>
    private const int OpenDigits = 16;

    /// <summary>Integers from low to high; null: no bound. Empty if there are none.</summary>
    public static string Integers(decimal? low, bool lowExcluded, decimal? high, bool highExcluded)
    {
        long? first = low is null ? null : (long)Math.Ceiling(low.Value) + (lowExcluded && decimal.IsInteger(low.Value) ? 1 : 0);
        long? last = high is null ? null : (long)Math.Floor(high.Value) - (highExcluded && decimal.IsInteger(high.Value) ? 1 : 0);
        return first > last ? "" : Integers(first, last);
    }

    private static string Integers(long? low, long? high)
    {
        List<string> ways = [];
        if (low is null or < 0)
        {
            long nearest = high is < 0 ? -high.Value : 1;
            ways.Add($"\"-\" ({Magnitudes(nearest, low is null ? null : -low.Value)})");
        }

        if (high is null or >= 0) ways.Add(Magnitudes(Math.Max(low ?? 0, 0), high));
        return string.Join(" | ", ways);
    }

    /// <summary>Numbers with or without a fraction, but without an exponent; empty if there are none.</summary>
    public static string Numbers(decimal? low, bool lowExcluded, decimal? high, bool highExcluded)
    {
        List<string> ways = [];
        if (low > high) return "";
        if (low is null or < 0)
        {
            bool bounded = high is <= 0;
            ways.AddRange(Side(bounded ? -high!.Value : 0, bounded && highExcluded, -low, lowExcluded).Select(way => $"\"-\" {way}"));
        }

        if (high is null or >= 0)
        {
            bool bounded = low is >= 0;
            ways.AddRange(Side(bounded ? low!.Value : 0, bounded && lowExcluded, high, highExcluded));
        }

        return string.Join(" | ", ways);
    }

    /// <summary>Numbers without a sign: those that share their whole part with a bound, and those between.</summary>
    private static IEnumerable<string> Side(decimal near, bool nearExcluded, decimal? far, bool farExcluded)
    {
        long first = (long)near;
        long? last = (long?)far;
        FractionRange.End low = new(Fraction(near), nearExcluded);
        FractionRange.End? high = far is null ? null : new(Fraction(far.Value), farExcluded);
        if (first > last) yield break;
        if (FractionRange.Between(low, first == last ? high : null) is { } beside) yield return $"\"{first}\" {beside}".TrimEnd();
        if (first == last) yield break;
        if (last is null || first + 1 < last) yield return $"({Magnitudes(first + 1, last - 1)}) (\".\" [0-9]{{1,{OpenDigits}}})?";
        if (last is not null && FractionRange.Between(null, high) is { } end) yield return $"\"{last}\" {end}".TrimEnd();
    }

    /// <summary>Digits behind the point, without zeros at the end.</summary>
    private static string Fraction(decimal value) => value.ToString("0.############################", CultureInfo.InvariantCulture) is var text
        && text.IndexOf('.') is > 0 and int point ? text[(point + 1)..] : "";

    /// <summary>Whole numbers from low, at least 0, to high, without leading zeros.</summary>
    private static string Magnitudes(long low, long? high)
    {
        List<string> ways = [];
        string from = Digits(low);
        if (high is null)
        {
            ways.AddRange(SameLength(from, new string('9', from.Length)));
            if (from.Length < OpenDigits) ways.Add($"[1-9] [0-9]{{{from.Length},{OpenDigits - 1}}}");
            return string.Join(" | ", ways);
        }

        string to = Digits(high.Value);
        for (int length = from.Length; length <= to.Length; length++)
        {
            string smallest = length == from.Length ? from : "1" + new string('0', length - 1);
            string largest = length == to.Length ? to : new string('9', length);
            ways.AddRange(SameLength(smallest, largest));
        }

        return string.Join(" | ", ways);
    }

    /// <summary>Numbers of as many digits as both bounds have: equal leading digits, then below, between and above.</summary>
    private static IEnumerable<string> SameLength(string low, string high)
    {
        if (low.Length == 0)
        {
            yield return "\"\"";
            yield break;
        }

        char first = low[0], last = high[0];
        string restLow = low[1..], restHigh = high[1..];
        bool wholeLow = restLow.All(digit => digit == '0'), wholeHigh = restHigh.All(digit => digit == '9');
        if (first == last && !(wholeLow && wholeHigh))
        {
            foreach (string rest in SameLength(restLow, restHigh)) yield return $"\"{first}\" {rest}";
            yield break;
        }

        if (!wholeLow)
        {
            foreach (string rest in SameLength(restLow, new string('9', restLow.Length))) yield return $"\"{first}\" {rest}";
            first++;
        }

        char between = wholeHigh ? last : (char)(last - 1);
        if (first <= between)
        {
            string digit = first == between ? $"\"{first}\"" : $"[{first}-{between}]";
            yield return restLow.Length == 0 ? digit : $"{digit} [0-9]{{{restLow.Length}}}";
        }

        if (wholeHigh) yield break;
        foreach (string rest in SameLength(new string('0', restHigh.Length), restHigh)) yield return $"\"{last}\" {rest}";
    }

    private static string Digits(long value) => value.ToString(CultureInfo.InvariantCulture);
}
