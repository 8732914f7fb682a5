using System.Text.Json;

namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>What a schema says about an object; the shapes of several schemas can be added up.</summary>
internal sealed class ObjectShape
{
    /// <summary>Properties in order.</summary>
    public OrderedDictionary<string, JsonElement> Properties { get; } = [];

    /// <summary>Names of those that must be there.</summary>
    public HashSet<string> Required { get; } = [];

    /// <summary>Schema of further properties; null when nothing is said.</summary>
    public JsonElement? Additional { get; private set; }

    /// <summary>Reads an object schema.</summary>
    public static ObjectShape Read(JsonElement schema, string path)
    {
        var shape = new ObjectShape();
        if (schema.ValueKind != JsonValueKind.Object) throw JsonSchemaConverter.Error(path, "'allOf' is supported for schemas of objects only");
        if (schema.TryGetProperty("type", out JsonElement type) && !(type.ValueKind == JsonValueKind.String && type.GetString() == "object"))
            throw JsonSchemaConverter.Error(path, "'allOf' is supported for schemas of objects only");
        if (schema.TryGetProperty("properties", out JsonElement properties))
        {
            if (properties.ValueKind != JsonValueKind.Object) throw JsonSchemaConverter.Error(path, "'properties' must be an object");
            foreach (JsonProperty property in properties.EnumerateObject()) shape.Properties[property.Name] = property.Value;
        }

        if (schema.TryGetProperty("required", out JsonElement required))
        {
            if (required.ValueKind != JsonValueKind.Array || required.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
                throw JsonSchemaConverter.Error(path, "'required' must be a list of names");
            shape.Required.UnionWith(required.EnumerateArray().Select(name => name.GetString()!));
        }

        // What is required but not described may be anything.
        foreach (string name in shape.Required.Where(name => !shape.Properties.ContainsKey(name))) shape.Properties[name] = AnyValue;
        if (schema.TryGetProperty("additionalProperties", out JsonElement additional)) shape.Additional = additional;
        return shape;
    }

    /// <summary>Adds what another schema demands of the same object.</summary>
    public void Add(ObjectShape other)
    {
        foreach (var (name, schema) in other.Properties)
        {
            if (!Properties.TryGetValue(name, out JsonElement known) || known.ValueKind == JsonValueKind.True) Properties[name] = schema;
        }

        Required.UnionWith(other.Required);
        Additional ??= other.Additional;
    }

    private static JsonElement AnyValue { get; } = JsonDocument.Parse("true").RootElement.Clone();
}
