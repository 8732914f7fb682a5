using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>
/// Turns a JSON schema into GBNF: types, enumerations, constants, objects, arrays, lengths, patterns and formats of strings, ranges of numbers,
/// <c>anyOf</c>, <c>oneOf</c>, <c>allOf</c> of objects, and references within the schema. Properties come in the schema's order, required ones first.
/// </summary>
internal sealed class JsonSchemaConverter
{
    private const int MaximumDepth = 64, MaximumKeyLength = 128;

    /// <summary>Keywords that say nothing about the form.</summary>
    private static readonly HashSet<string> Annotations =
    [
        "title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "deprecated", "readOnly",
        "writeOnly", "contentMediaType", "contentEncoding", "nullable", "discriminator", "additionalItems",
    ];

    /// <summary>The schema that references start from: the whole, or one inside that says of itself what it is.</summary>
    private JsonElement _root;
    private string _rootPath = "#";
    private readonly Dictionary<string, string> _rules = [];
    private readonly Dictionary<string, string> _references = [];
    private readonly HashSet<string> _taken = [];
    private int _depth;

    private JsonSchemaConverter(JsonElement root) => _root = root;

    /// <summary>The grammar of a schema.</summary>
    /// <exception cref="GrammarException">The schema is no JSON, or uses what cannot be turned into a grammar.</exception>
    public static string ToGbnf(string schema)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(schema);
            var converter = new JsonSchemaConverter(document.RootElement);
            string root = converter.Visit(document.RootElement, "root", "#");
            if (root != "root") converter._rules["root"] = root;
            return string.Concat(converter._rules.Select(rule => $"{rule.Key} ::= {rule.Value}\n"));
        }
        catch (JsonException problem)
        {
            throw new GrammarException($"JSON schema: not JSON ({problem.Message})");
        }
    }

    /// <summary>Adds the rule of a schema and returns the name by which to refer to it.</summary>
    private string Visit(JsonElement schema, string name, string path)
    {
        if (++_depth > MaximumDepth) throw Error(path, $"nested deeper than {MaximumDepth}");
        (JsonElement root, string rootPath) = (_root, _rootPath);
        // A list's schema put whole into an object's, as Microsoft.Extensions.AI does, keeps references that start from where it was the whole.
        if (schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$schema", out _)) (_root, _rootPath) = (schema, path);
        string result = VisitInner(schema, Take(name), path);
        (_root, _rootPath) = (root, rootPath);
        _depth--;
        return result;
    }

    private string VisitInner(JsonElement schema, string name, string path)
    {
        if (schema.ValueKind == JsonValueKind.True) return Primitive("value");
        if (schema.ValueKind != JsonValueKind.Object) throw Error(path, $"expected a schema, found {schema.ValueKind.ToString().ToLowerInvariant()}");
        if (schema.TryGetProperty("$ref", out JsonElement reference)) return VisitReference(reference, path);
        if (schema.TryGetProperty("const", out JsonElement constant)) return Define(name, Constant(constant));
        if (schema.TryGetProperty("enum", out JsonElement values)) return VisitEnumeration(values, name, path);
        foreach (string choice in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            if (schema.TryGetProperty(choice, out JsonElement options)) return VisitChoice(schema, options, choice, name, path);
        }

        if (schema.TryGetProperty("allOf", out JsonElement parts)) return VisitAll(schema, parts, name, path);
        if (schema.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.Array)
        {
            string[] types = [.. type.EnumerateArray().Select(item => item.GetString() ?? "")];
            return Define(name, string.Join(" | ", types.Select(one => VisitType(one, OnlyFor(schema, one), $"{name}-{Safe(one)}", path))));
        }

        string kind = type.ValueKind == JsonValueKind.String ? type.GetString()! : InferType(schema);
        string visited = VisitType(kind, schema, name, path);
        bool nullable = schema.TryGetProperty("nullable", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        return nullable ? Define(name + "-or-null", $"{visited} | {Primitive("null")}") : visited;
    }

    private string VisitType(string type, JsonElement schema, string name, string path)
    {
        switch (type)
        {
            case "object":
                CheckKeywords(schema, path, "type", "properties", "required", "additionalProperties");
                return VisitObject(ObjectShape.Read(schema, path), name, path);
            case "array":
                CheckKeywords(schema, path, "type", "items", "prefixItems", "minItems", "maxItems", "uniqueItems");
                return VisitArray(schema, name, path);
            case "string":
                CheckKeywords(schema, path, "type", "minLength", "maxLength", "pattern", "format");
                return VisitString(schema, name, path);
            case "number" or "integer":
                CheckKeywords(schema, path, "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format");
                return VisitNumber(schema, type, name, path);
            case "boolean" or "null":
                CheckKeywords(schema, path, "type");
                return Primitive(type);
            case "":
                CheckKeywords(schema, path);
                return Primitive("value");
            default:
                throw Error(path, $"type '{type}' is not known");
        }
    }

    /// <summary>The type that the keywords speak of when none is given.</summary>
    private static string InferType(JsonElement schema)
    {
        bool Has(params ReadOnlySpan<string> keys)
        {
            foreach (string key in keys)
            {
                if (schema.TryGetProperty(key, out _)) return true;
            }

            return false;
        }

        return Has("properties", "additionalProperties", "required") ? "object"
            : Has("items", "prefixItems", "minItems", "maxItems") ? "array"
            : Has("minLength", "maxLength", "pattern") ? "string"
            : Has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") ? "number" : "";
    }

    /// <summary>Of a schema for several types, the keywords that concern one of them.</summary>
    private static JsonElement OnlyFor(JsonElement schema, string type)
    {
        string[] keywords = type switch
        {
            "object" => ["properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties", "propertyNames"],
            "array" => ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"],
            "string" => ["minLength", "maxLength", "pattern", "format"],
            "number" or "integer" => ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
            _ => [],
        };
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory))
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in schema.EnumerateObject().Where(property => keywords.Contains(property.Name))) property.WriteTo(writer);
            writer.WriteEndObject();
        }

        using JsonDocument part = JsonDocument.Parse(memory.ToArray());
        return part.RootElement.Clone();
    }

    private string VisitReference(JsonElement reference, string path)
    {
        string target = reference.GetString() ?? "", place = _rootPath + target;
        if (_references.TryGetValue(place, out string? known)) return known;
        JsonElement schema = Find(target, path);

        // The name is known before the schema is visited, so that a schema may refer to itself.
        string name = Take("ref-" + Safe(target.TrimStart('#', '/')));
        _references[place] = name;
        _rules[name] = "";
        string visited = Visit(schema, name + "-is", target);
        _rules[name] = visited;
        return name;
    }

    /// <summary>What a reference such as <c>#/$defs/name</c> points at.</summary>
    private JsonElement Find(string target, string path)
    {
        if (!target.StartsWith('#')) throw Error(path, $"reference '{target}' leaves the schema");
        JsonElement schema = _root;
        foreach (string part in target.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            string key = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool found = schema.ValueKind switch
            {
                JsonValueKind.Object => schema.TryGetProperty(key, out schema),
                JsonValueKind.Array when int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < schema.GetArrayLength() =>
                    (schema = schema[index]).ValueKind != JsonValueKind.Undefined,
                _ => false,
            };
            if (!found) throw Error(path, $"reference '{target}' leads nowhere");
        }

        return schema;
    }

    private string VisitEnumeration(JsonElement values, string name, string path)
    {
        if (values.ValueKind != JsonValueKind.Array || values.GetArrayLength() == 0) throw Error(path, "'enum' needs a list of values");
        return Define(name, $"({string.Join(" | ", values.EnumerateArray().Select(value => GbnfText.Literal(GbnfText.CompactJson(value))))}) {Primitive("space")}");
    }

    private string Constant(JsonElement value) => $"{GbnfText.Literal(GbnfText.CompactJson(value))} {Primitive("space")}";

    private string VisitChoice(JsonElement schema, JsonElement options, string keyword, string name, string path)
    {
        CheckKeywords(schema, path, keyword, "type", "properties", "required", "additionalProperties");
        if (options.ValueKind != JsonValueKind.Array || options.GetArrayLength() == 0) throw Error(path, $"'{keyword}' needs a list of schemas");
        bool shared = schema.TryGetProperty("properties", out _) || schema.TryGetProperty("required", out _);
        List<string> choices = [];
        foreach (JsonElement option in options.EnumerateArray())
        {
            string place = $"{path}/{keyword}/{choices.Count}", choice = $"{name}-{choices.Count}";
            choices.Add(shared ? VisitVariant(schema, option, choice, place) : Visit(option, choice, place));
        }

        return Define(name, string.Join(" | ", choices));
    }

    /// <summary>One kind of object among several that have something in common: the properties of its kind, then the common ones.</summary>
    private string VisitVariant(JsonElement common, JsonElement variant, string name, string path)
    {
        JsonElement resolved = Resolve(variant, path);
        ObjectShape shape = ObjectShape.Read(resolved, path);
        CheckKeywords(resolved, path, "type", "properties", "required", "additionalProperties");
        shape.Add(ObjectShape.Read(common, path));
        return VisitObject(shape, Take(name), path);
    }

    private string VisitAll(JsonElement schema, JsonElement parts, string name, string path)
    {
        if (parts.ValueKind != JsonValueKind.Array || parts.GetArrayLength() == 0) throw Error(path, "'allOf' needs a list of schemas");
        bool alone = !schema.EnumerateObject().Any(property => property.Name != "allOf" && !Annotations.Contains(property.Name));
        if (alone && parts.GetArrayLength() == 1) return Visit(parts[0], name, path + "/allOf/0");
        ObjectShape merged = ObjectShape.Read(schema, path);
        CheckKeywords(schema, path, "type", "properties", "required", "additionalProperties", "allOf");
        foreach (JsonElement part in parts.EnumerateArray())
        {
            JsonElement resolved = Resolve(part, path);
            merged.Add(ObjectShape.Read(resolved, path));
            CheckKeywords(resolved, path, "type", "properties", "required", "additionalProperties");
        }

        return VisitObject(merged, name, path);
    }

    /// <summary>Follows a reference to an object schema, for merging.</summary>
    private JsonElement Resolve(JsonElement schema, string path)
    {
        for (int steps = 0; schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$ref", out JsonElement reference); steps++)
        {
            string target = reference.GetString() ?? "";
            schema = steps > MaximumDepth ? throw Error(path, $"reference '{target}' goes in circles") : Find(target, path);
        }

        return schema;
    }

    private string VisitObject(ObjectShape shape, string name, string path)
    {
        if (shape.Properties.Count == 0 && shape.Additional is null or { ValueKind: JsonValueKind.True }) return Primitive("object");
        string space = Primitive("space");
        string Pair(string key, JsonElement value) =>
            Define(Take($"{name}-{Safe(key)}-kv"), $"{GbnfText.Literal(GbnfText.JsonString(key))} {space} \":\" {space} {Visit(value, $"{name}-{Safe(key)}", $"{path}/properties/{key}")}");

        string[] required = [.. shape.Properties.Where(p => shape.Required.Contains(p.Key)).Select(p => Pair(p.Key, p.Value))];
        string[] optional = [.. shape.Properties.Where(p => !shape.Required.Contains(p.Key)).Select(p => Pair(p.Key, p.Value))];
        string? more = null;
        if (shape.Additional is { ValueKind: not JsonValueKind.False } additional)
        {
            string key = Define(Take(name + "-more-key"), NotAnyOf([.. shape.Properties.Select(p => p.Key)]));
            more = Define(Take(name + "-more-kv"), $"{key} {space} \":\" {space} {Visit(additional, name + "-more", path + "/additionalProperties")}");
        }

        string comma = $"\",\" {space}";
        var body = new StringBuilder($"\"{{\" {space} ");
        string[] rests = Rests(name, optional, more, comma);
        if (required.Length > 0) body.Append(string.Join($" {comma} ", required)).Append(' ').Append(rests[0]);
        else if (Firsts(optional, more, rests) is { Length: > 0 } first) body.Append($"({first})?");
        return Define(name, body.Append($" \"}}\" {space}").ToString());
    }

    /// <summary>
    /// For each optional property, what may follow from there on, each with the comma before it: a chain of rules, so that the grammar grows
    /// with their number only. The last entry holds the further properties.
    /// </summary>
    private string[] Rests(string name, string[] optional, string? more, string comma)
    {
        string[] rests = new string[optional.Length + 1];
        rests[^1] = more is null ? "" : $"({comma} {more})*";
        for (int i = optional.Length - 1; i >= 0; i--) rests[i] = Define(Take($"{name}-rest-{i}"), $"({comma} {optional[i]})? {rests[i + 1]}");
        return rests;
    }

    /// <summary>Where nothing is required, whichever property comes first has no comma.</summary>
    private static string Firsts(string[] optional, string? more, string[] rests)
    {
        List<string> firsts = [.. optional.Select((pair, i) => $"{pair} {rests[i + 1]}")];
        if (more is not null) firsts.Add($"{more} {rests[^1]}");
        return string.Join(" | ", firsts);
    }

    /// <summary>A string other than the given ones: along the tree of their characters, whatever leaves the tree.</summary>
    private string NotAnyOf(string[] keys)
    {
        Primitive("char");
        if (keys.Any(key => key.Length > MaximumKeyLength)) throw new GrammarException($"JSON schema: a property name is longer than {MaximumKeyLength} characters");
        return $"\"\\\"\" {(keys.Length == 0 ? "char*" : Leaving(keys, 0))} \"\\\"\"";

        static string Leaving(string[] keys, int depth)
        {
            var next = keys.Where(key => key.Length > depth).GroupBy(key => key[depth]).ToArray();
            bool ends = keys.Any(key => key.Length == depth);
            List<string> ways = [.. next.Where(group => group.Key is not ('"' or '\\') && !char.IsSurrogate(group.Key))
                .Select(group => $"{GbnfText.Literal(group.Key.ToString())} {Leaving([.. group], depth + 1)}")];
            string others = string.Concat(next.Select(group => char.IsSurrogate(group.Key) ? "" : GbnfText.SetCharacter(group.Key)));
            ways.Add($"[{JsonPrimitives.PlainCharacters}{others}] char*");
            return $"({string.Join(" | ", ways)}){(ends ? "" : "?")}";
        }
    }

    private string VisitArray(JsonElement schema, string name, string path)
    {
        if (schema.TryGetProperty("uniqueItems", out JsonElement unique) && unique.ValueKind == JsonValueKind.True) throw Error(path, "'uniqueItems' is not supported");
        string space = Primitive("space"), comma = $"\",\" {space}";
        long least = SchemaNumbers.Count(schema, "minItems", path) ?? 0;
        long? most = SchemaNumbers.Count(schema, "maxItems", path);
        if (most < least) throw Error(path, "'maxItems' is less than 'minItems'");
        JsonElement items = schema.TryGetProperty("items", out JsonElement given) ? given : default;
        if (schema.TryGetProperty("prefixItems", out JsonElement prefix) || (items.ValueKind == JsonValueKind.Array && (prefix = items).ValueKind == JsonValueKind.Array))
        {
            if (most < prefix.GetArrayLength() || least > prefix.GetArrayLength()) throw Error(path, "'minItems' and 'maxItems' beside a list of items are not supported");
            int number = 0;
            string all = string.Join($" {comma} ", prefix.EnumerateArray().Select(item => Visit(item, $"{name}-{number}", $"{path}/prefixItems/{number++}")));
            return Define(name, $"\"[\" {space} {all} \"]\" {space}");
        }

        if (items.ValueKind == JsonValueKind.Undefined && least == 0 && most is null) return Primitive("array");
        string item = items.ValueKind == JsonValueKind.Undefined ? Primitive("value") : Visit(items, name + "-item", path + "/items");
        if (most == 0) return Define(name, $"\"[\" {space} \"]\" {space}");
        string list = $"{item} {GbnfText.Repeat($"({comma} {item})", Math.Max(least - 1, 0), most - 1)}";
        return Define(name, $"\"[\" {space} {(least == 0 ? $"({list})?" : list)} \"]\" {space}");
    }

    private string VisitString(JsonElement schema, string name, string path)
    {
        long? least = SchemaNumbers.Count(schema, "minLength", path), most = SchemaNumbers.Count(schema, "maxLength", path);
        if (schema.TryGetProperty("pattern", out JsonElement pattern))
        {
            if (least is not null || most is not null) throw Error(path, "'pattern' together with a length is not supported");
            Primitive("char");
            return Define(name, $"\"\\\"\" {PatternConverter.Convert(pattern.GetString() ?? "", path)} \"\\\"\" {Primitive("space")}");
        }

        if (schema.TryGetProperty("format", out JsonElement format) && format.GetString() is "date" or "time" or "date-time" or "uuid") return Primitive(format.GetString()!);
        if (least is null && most is null) return Primitive("string");
        if (most < least) throw Error(path, "'maxLength' is less than 'minLength'");
        return Define(name, $"\"\\\"\" {GbnfText.Repeat(Primitive("char"), least ?? 0, most)} \"\\\"\" {Primitive("space")}");
    }

    private string VisitNumber(JsonElement schema, string type, string name, string path)
    {
        var (low, lowExcluded) = SchemaNumbers.Bound(schema, "minimum", "exclusiveMinimum", isLow: true, path);
        var (high, highExcluded) = SchemaNumbers.Bound(schema, "maximum", "exclusiveMaximum", isLow: false, path);
        if (low is null && high is null) return Primitive(type);
        if (type == "integer")
        {
            long? first = low is null ? null : (long)Math.Ceiling(low.Value) + (lowExcluded && decimal.IsInteger(low.Value) ? 1 : 0);
            long? last = high is null ? null : (long)Math.Floor(high.Value) - (highExcluded && decimal.IsInteger(high.Value) ? 1 : 0);
            if (first > last) throw Error(path, "no integer lies between the bounds");
            return Define(name, $"({NumberRange.Integers(first, last)}) {Primitive("space")}");
        }

        string ways = low > high ? "" : NumberRange.Numbers(low, lowExcluded, high, highExcluded);
        return ways.Length > 0 ? Define(name, $"({ways}) {Primitive("space")}") : throw Error(path, "no number lies between the bounds");
    }

    private static void CheckKeywords(JsonElement schema, string path, params ReadOnlySpan<string> known)
    {
        foreach (JsonProperty property in schema.EnumerateObject())
        {
            if (!known.Contains(property.Name) && !Annotations.Contains(property.Name) && !property.Name.StartsWith("x-", StringComparison.Ordinal))
                throw Error(path, $"keyword '{property.Name}' is not supported here");
        }
    }

    private string Define(string name, string body)
    {
        _rules[name] = body;
        return name;
    }

    private string Primitive(string name) => JsonPrimitives.Add(_rules, name);

    /// <summary>Takes a rule name that is free: different keys may look the same once made safe.</summary>
    private string Take(string name)
    {
        string candidate = name;
        for (int i = 2; JsonPrimitives.Contains(candidate) || !_taken.Add(candidate); i++) candidate = $"{name}-{i}";
        return candidate;
    }

    private static string Safe(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));

    internal static GrammarException Error(string path, string problem) => new($"JSON schema, {path}: {problem}");
}
