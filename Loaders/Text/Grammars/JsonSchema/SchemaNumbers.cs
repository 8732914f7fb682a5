using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// Reads the numbers in a schema, which come from outside and may be anything. A bound beyond what a grammar can count is no bound.
/// </summary>
internal static class SchemaNumbers
{
    /// <summary>Most repetitions that a grammar counts; more are as good as any number.</summary>
    public const int MostRepetitions = 2000;

    /// <summary>Bounds of this size and larger are not counted: they have more digits than a number of the grammar.</summary>
    private const decimal Uncountable = 1_000_000_000_000_000_000;

    /// <summary>A number that is small enough to be counted, or null.</summary>
    public static decimal? Countable(JsonElement number) =>
        number.TryGetDecimal(out decimal value) && Math.Abs(value) < Uncountable ? value : null;

    /// <summary>A bound of a number and whether the bound itself is excluded; null: no bound, or one too large to be counted.</summary>
    public static (decimal? Value, bool Excluded) Bound(JsonElement schema, string inclusive, string exclusive, bool isLow, string path)
    {
        decimal? Read(string key)
        {
            if (!schema.TryGetProperty(key, out JsonElement value) || value.ValueKind is JsonValueKind.True or JsonValueKind.False) return null;

            // [Range(typeof(decimal), "0", "10")] becomes bounds in quotes.
            if (value.ValueKind == JsonValueKind.String && IsNumber(value.GetString()!)) value = JsonElement.Parse(value.GetString()!);
            return value.ValueKind == JsonValueKind.Number ? Countable(value) : throw JsonSchemaConverter.Error(path, $"'{key}' must be a number");
        }

        decimal? open = Read(inclusive), closed = Read(exclusive);

        // Draft 4 wrote the exclusion as a flag beside the bound.
        if (schema.TryGetProperty(exclusive, out JsonElement flag) && flag.ValueKind == JsonValueKind.True) return (open, open is not null);
        bool excludedIsTighter = closed is not null && (open is null || (isLow ? closed >= open : closed <= open));
        return excludedIsTighter ? (closed, true) : (open, false);
    }

    /// <summary>A least length or number of items; more than can be counted is as many as can be. Null when the schema does not say.</summary>
    public static long? Least(JsonElement schema, string key, string path) =>
        Count(schema, key, path) is { } count ? (long)Math.Min(count, MostRepetitions) : null;

    /// <summary>A greatest length or number of items; null when the schema does not say, or says more than can be counted.</summary>
    public static long? Most(JsonElement schema, string key, string path) =>
        Count(schema, key, path) is { } count and <= MostRepetitions ? (long)count : null;

    private static double? Count(JsonElement schema, string key, string path)
    {
        if (!schema.TryGetProperty(key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double count) && count >= 0 && Math.Floor(count) == count
            ? count : throw JsonSchemaConverter.Error(path, $"'{key}' must be a whole number, at least 0");
    }

    private static bool IsNumber(string text)
    {
        try
        {
            return JsonElement.Parse(text).ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
