using System.Text.Json;

namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>Reads the numbers in a schema, which come from outside and may be anything.</summary>
internal static class SchemaNumbers
{
    /// <summary>A bound of a number and whether the bound itself is excluded; null: no bound.</summary>
    public static (decimal? Value, bool Excluded) Bound(JsonElement schema, string inclusive, string exclusive, bool isLow, string path)
    {
        decimal? Read(string key)
        {
            if (!schema.TryGetProperty(key, out JsonElement value) || value.ValueKind is JsonValueKind.True or JsonValueKind.False) return null;
            return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number) && Math.Abs(number) < 1_000_000_000_000_000_000
                ? number : throw JsonSchemaConverter.Error(path, $"'{key}' must be a number of at most 18 digits");
        }

        decimal? open = Read(inclusive), closed = Read(exclusive);

        // Draft 4 wrote the exclusion as a flag beside the bound.
        if (schema.TryGetProperty(exclusive, out JsonElement flag) && flag.ValueKind == JsonValueKind.True) return (open, open is not null);
        bool excludedIsTighter = closed is not null && (open is null || (isLow ? closed >= open : closed <= open));
        return excludedIsTighter ? (closed, true) : (open, false);
    }

    /// <summary>A length or number of items; null when the schema does not say.</summary>
    public static long? Count(JsonElement schema, string key, string path)
    {
        if (!schema.TryGetProperty(key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long count) && count is >= 0 and <= 2000
            ? count : throw JsonSchemaConverter.Error(path, $"'{key}' must be a whole number from 0 to 2000");
    }
}
