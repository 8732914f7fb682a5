using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// Values that a schema excludes one by one, <c>"not": {"enum": […]}</c>: what the attribute <c>[DeniedValues]</c> becomes. Any other
/// <c>not</c> cannot be held to.
/// </summary>
internal sealed class DeniedValues
{
    private readonly List<JsonElement> _values = [];

    private DeniedValues()
    {
    }

    /// <summary>Strings that are excluded.</summary>
    public string[] Strings =>
        [.. _values.Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!).Distinct()];

    /// <summary>Numbers that are excluded, in ascending order; those too large to be counted are left out.</summary>
    public decimal[] Numbers =>
    [
        .. _values.Where(value => value.ValueKind == JsonValueKind.Number).Select(value => SchemaNumbers.Countable(value)).OfType<decimal>()
            .Distinct().Order(),
    ];

    /// <summary>Reads the values.</summary>
    /// <exception cref="GrammarException">The schema excludes something else than single values.</exception>
    public static DeniedValues Read(JsonElement schema, string path)
    {
        var denied = new DeniedValues();
        if (!schema.TryGetProperty("not", out JsonElement not)) return denied;
        JsonElement values = default;
        bool single = not.ValueKind == JsonValueKind.Object && not.EnumerateObject().Count() == 1
            && (not.TryGetProperty("const", out values) || (not.TryGetProperty("enum", out values) && values.ValueKind == JsonValueKind.Array));
        if (!single) throw JsonSchemaConverter.Error(path, "keyword 'not' is supported for single values (enum, const) only");
        if (not.TryGetProperty("const", out _)) denied._values.Add(values);
        else denied._values.AddRange(values.EnumerateArray());
        return denied;
    }

    /// <summary>True when <c>null</c>, <c>true</c> or <c>false</c> is excluded.</summary>
    public bool Contains(string literal) => _values.Exists(value => value.GetRawText() == literal);
}
