using System.Globalization;

namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>Grammars for the decimal numbers between two bounds.</summary>
internal static class NumberRange
{
    /// <summary>Most digits where there is no upper bound.</summary>
    private const int OpenDigits = 16;

    /// <summary>Integers from low to high; null: no bound.</summary>
    public static string Integers(long? low, long? high)
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

    /// <summary>
    /// Numbers with or without a fraction between whole bounds. A fraction is added to the whole numbers below the far bound; next to a bound that is
    /// excluded, the fraction must not be zero.
    /// </summary>
    public static string Numbers(long? low, bool lowExcluded, long? high, bool highExcluded)
    {
        List<string> ways = [];
        if (low is null or < 0)
        {
            bool bounded = high is <= 0;
            string side = Side(bounded ? -high!.Value : 0, bounded && highExcluded, low is null ? null : -low.Value, lowExcluded);
            if (side.Length > 0) ways.Add($"\"-\" ({side})");
        }

        if (high is null or >= 0)
        {
            bool bounded = low is >= 0;
            string side = Side(bounded ? low!.Value : 0, bounded && lowExcluded, high, highExcluded);
            if (side.Length > 0) ways.Add(side);
        }

        return string.Join(" | ", ways);
    }

    private static string Side(long near, bool nearExcluded, long? far, bool farExcluded)
    {
        List<string> ways = [];
        long first = nearExcluded ? near + 1 : near;
        long? last = far is null ? null : farExcluded ? far - 1 : far;
        if (last is null || first <= last) ways.Add(Magnitudes(first, last));
        long? lastWithFraction = far - 1;
        if (nearExcluded && (far is null || near < far)) ways.Add($"\"{near}.\" [0-9]{{0,15}} [1-9]");
        if (lastWithFraction is null || first <= lastWithFraction) ways.Add($"({Magnitudes(first, lastWithFraction)}) \".\" [0-9]{{1,16}}");
        return string.Join(" | ", ways);
    }

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
