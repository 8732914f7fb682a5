using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>A parameter of a tool.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schema">Its JSON schema.</param>
/// <param name="Required">Whether a call must have it.</param>
internal sealed record ToolParameter(string Name, JsonElement Schema, bool Required)
{
    /// <summary>The parameters of a tool, in order; none if its schema describes no object.</summary>
    public static IReadOnlyList<ToolParameter> Of(ChatTool tool)
    {
        JsonElement schema;
        try
        {
            schema = JsonElement.Parse(tool.ParametersJson);
        }
        catch (JsonException)
        {
            return [];
        }

        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out JsonElement properties)
            || properties.ValueKind != JsonValueKind.Object)
        {
                return [];
        }

        HashSet<string> required = schema.TryGetProperty("required", out JsonElement names) && names.ValueKind == JsonValueKind.Array
            ? [.. names.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!)]
            : [];
        return [.. properties.EnumerateObject()
            .Select(property => new ToolParameter(property.Name, property.Value, required.Contains(property.Name)))];
    }

    /// <summary>Whether the schema allows values of a kind; false as well where it does not say.</summary>
    public bool Allows(JsonValueKind kind) => Allows(Schema, kind, depth: 0);

    private static bool Allows(JsonElement schema, JsonValueKind kind, int depth)
    {
        if (depth > 8 || schema.ValueKind != JsonValueKind.Object) return false;
        if (schema.TryGetProperty("type", out JsonElement type))
        {
            return type.ValueKind == JsonValueKind.Array
                ? type.EnumerateArray().Any(one => Kind(one) == kind)
                : Kind(type) == kind || (kind == JsonValueKind.Null && schema.TryGetProperty("nullable", out JsonElement nullable)
                    && nullable.ValueKind == JsonValueKind.True);
        }

        if (schema.TryGetProperty("enum", out JsonElement values) && values.ValueKind == JsonValueKind.Array)
            return values.EnumerateArray().Any(value => value.ValueKind == kind);
        foreach (string choice in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            if (schema.TryGetProperty(choice, out JsonElement options) && options.ValueKind == JsonValueKind.Array)
                return options.EnumerateArray().Any(option => Allows(option, kind, depth + 1));
        }

        return false;
    }

    private static JsonValueKind Kind(JsonElement type) =>
        type.ValueKind != JsonValueKind.String ? JsonValueKind.Undefined : type.GetString() switch
    {
        "string" => JsonValueKind.String,
        "number" or "integer" => JsonValueKind.Number,
        "boolean" => JsonValueKind.True,
        "array" => JsonValueKind.Array,
        "object" => JsonValueKind.Object,
        "null" => JsonValueKind.Null,
        _ => JsonValueKind.Undefined,
    };
}
