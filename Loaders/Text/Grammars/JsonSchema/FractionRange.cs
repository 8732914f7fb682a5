namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>Grammars for what may follow the point of a decimal number, between two fractions.</summary>
internal static class FractionRange
{
    /// <summary>Most digits behind the point.</summary>
    private const int MaximumDigits = 16;

    /// <summary>The end of a fraction, as its digits without zeros behind them.</summary>
    /// <param name="Digits">Digits behind the point; empty for zero.</param>
    /// <param name="Excluded">Whether the end itself does not belong to the range.</param>
    public readonly record struct End(string Digits, bool Excluded)
    {
        /// <summary>The digit at the front, behind which only zeros are left at last.</summary>
        public char First => Digits.Length > 0 ? Digits[0] : '0';

        /// <summary>The end that is left behind the first digit.</summary>
        public End Rest => this with { Digits = Digits.Length > 0 ? Digits[1..] : "" };
    }

    /// <summary>Point and digits, or nothing where the range holds zero; null if the range is empty.</summary>
    /// <param name="low">Where it begins; null: at zero.</param>
    /// <param name="high">Where it ends; null: before one.</param>
    public static string? Between(End? low, End? high) => Join(HoldsZero(low, high), Digits(low, high), digits => $"\".\" ({digits})");

    /// <summary>One digit and more, compared from the front: below, on and above the ends' own digits.</summary>
    private static string? Digits(End? low, End? high)
    {
        if (low is { Digits: "", Excluded: false }) low = null;
        if (low is null && high is null) return $"[0-9]{{1,{MaximumDigits}}}";
        if (high is { Digits: "" } zero) return zero.Excluded || low is not null ? null : $"[0]{{1,{MaximumDigits}}}";
        if (low is { Digits: "" } && high is null) return $"[0]{{0,{MaximumDigits - 1}}} [1-9] [0-9]{{0,{MaximumDigits - 1}}}";

        char first = low?.First ?? '0', last = high?.First ?? '9';
        if (first > last) return null;
        if (first == last) return Behind(first, low?.Rest, high?.Rest);
        List<string?> ways = [];
        if (low is not null) ways.Add(Behind(first++, low?.Rest, null));
        if (high is not null) ways.Add(Behind(last--, null, high?.Rest));
        if (first <= last) ways.Add($"[{first}-{last}] [0-9]{{0,{MaximumDigits - 1}}}");
        return string.Join(" | ", ways.OfType<string>());
    }

    private static string? Behind(char digit, End? low, End? high) =>
        Join(HoldsZero(low, high), Digits(low, high), rest => $"({rest})") is { } tail ? $"\"{digit}\" {tail}".TrimEnd() : null;

    private static bool HoldsZero(End? low, End? high) => low is null or { Digits: "", Excluded: false } && high is not { Digits: "", Excluded: true };

    private static string? Join(bool nothing, string? digits, Func<string, string> write) =>
        digits is null ? nothing ? "" : null : nothing ? $"({write(digits)})?" : write(digits);
}
