using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// The keywords by which a schema restricts values. Whatever is not among them, and whatever speaks of values of another type, says nothing:
/// validators ignore it, and so does the grammar.
/// </summary>
internal static class SchemaKeywords
{
    private static readonly string[] OfAny =
    [
        "type", "enum", "const", "not", "if", "anyOf", "oneOf", "allOf", "$ref", "$dynamicRef", "$recursiveRef",
    ];

    private static readonly Dictionary<string, string[]> OfType = new()
    {
        ["object"] =
        [
            "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas",
            "dependencies", "unevaluatedProperties", "minProperties", "maxProperties",
        ],
        ["array"] = ["items", "prefixItems", "contains", "unevaluatedItems", "minItems", "maxItems", "uniqueItems"],
        ["string"] = ["minLength", "maxLength", "pattern", "format"],
        ["number"] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"],
        ["integer"] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"],
        ["boolean"] = [],
        ["null"] = [],
    };

    /// <summary>Refuses keywords that restrict the values and are not held to.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="type">The type of the values; null: any.</param>
    /// <param name="held">Keywords that are held to.</param>
    /// <exception cref="GrammarException">There is such a keyword.</exception>
    public static void Check(JsonElement schema, string path, string? type, params ReadOnlySpan<string> held)
    {
        foreach (JsonProperty property in schema.EnumerateObject())
        {
            if (Restricts(property.Name, type) && !held.Contains(property.Name))
                throw JsonSchemaConverter.Error(path, $"keyword '{property.Name}' is not supported here");
        }
    }

    /// <summary>True when a schema restricts the values by anything but one keyword.</summary>
    public static bool AnyBut(JsonElement schema, string keyword) =>
        schema.EnumerateObject().Any(property => property.Name != keyword && Restricts(property.Name, null));

    /// <summary>Of a schema for several types, the keywords that concern one of them.</summary>
    public static JsonElement OnlyFor(JsonElement schema, string type)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory))
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in schema.EnumerateObject().Where(property => property.Name != "type" && Restricts(property.Name, type)))
                property.WriteTo(writer);
            writer.WriteEndObject();
        }

        using var part = JsonDocument.Parse(memory.ToArray());
        return part.RootElement.Clone();
    }

    private static bool Restricts(string keyword, string? type) => OfAny.Contains(keyword)
        || (type is null ? OfType.Values.Any(keywords => keywords.Contains(keyword)) : OfType.GetValueOrDefault(type, []).Contains(keyword));
}
