using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>What a schema says about an object; the shapes of several schemas can be added up.</summary>
internal sealed class ObjectShape
{
    private bool _lists;

    /// <summary>Properties in order.</summary>
    public OrderedDictionary<string, JsonElement> Properties { get; } = [];

    /// <summary>Names of those that must be there.</summary>
    public HashSet<string> Required { get; } = [];

    /// <summary>Schema of further properties; null when nothing is said.</summary>
    public JsonElement? Additional { get; private set; }

    /// <summary>Fewest properties.</summary>
    public long Least { get; private set; }

    /// <summary>Most properties; null: any number. Held to where the names are free.</summary>
    public long? Most { get; private set; }

    /// <summary>True when nothing is said about the properties, not even that there are none.</summary>
    public bool IsAny => !_lists && Additional is null or { ValueKind: JsonValueKind.True } && Least == 0 && Most is null;

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
            shape._lists = true;
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
        (shape.Least, shape.Most) = (SchemaNumbers.Least(schema, "minProperties", path) ?? 0, SchemaNumbers.Most(schema, "maxProperties", path));
        if (shape.Most < shape.Least) throw JsonSchemaConverter.Error(path, "'maxProperties' is less than 'minProperties'");
        shape._lists |= shape.Properties.Count > 0;
        if (!shape._lists && !shape.IsAny) shape.Additional ??= AnyValue;
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
        _lists |= other._lists;
        Additional ??= other.Additional;
        (Least, Most) = (Math.Max(Least, other.Least), other.Most is { } most ? Math.Min(Most ?? most, most) : Most);
    }

    private static JsonElement AnyValue { get; } = JsonDocument.Parse("true").RootElement.Clone();
}
