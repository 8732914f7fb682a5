using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// Turns a JSON schema into GBNF: types, enumerations, constants, objects, arrays, lengths, patterns and formats of strings, ranges of numbers,
/// <c>anyOf</c>, <c>oneOf</c>, <c>allOf</c> of objects, single values under <c>not</c>, and references within the schema. Properties come in the
/// schema's order, required ones first. Bounds beyond what a grammar can count are loosened.
/// </summary>
/// <param name="words">The notation's words: JSON's, or those of a language whose values are written otherwise like JSON.</param>
internal sealed class JsonSchemaConverter(LiteralWords words)
{
    private const int MaximumDepth = 64;

    private static readonly string[] ObjectKeywords =
        ["type", "properties", "required", "additionalProperties", "minProperties", "maxProperties"];

    /// <summary>The schema that references start from: the whole, or one inside that says of itself what it is.</summary>
    private JsonElement _root;
    private string _rootPath = "#";
    private readonly Dictionary<string, string> _rules = [];
    private readonly Dictionary<string, string> _references = [];
    private readonly Dictionary<string, string> _strings = [];
    private readonly HashSet<string> _taken = [];
    private readonly RepetitionBudget _budget = new();
    private int _depth;

    /// <summary>The rules so far, by name.</summary>
    public IEnumerable<KeyValuePair<string, string>> Rules => _rules;

    /// <summary>The grammar of a schema.</summary>
    /// <exception cref="GrammarException">The schema is no JSON, or uses what cannot be turned into a grammar.</exception>
    public static string ToGbnf(string schema)
    {
        var converter = new JsonSchemaConverter(LiteralWords.Json);
        string root = converter.Add(schema, "root");
        if (root != "root") converter._rules["root"] = root;
        return GbnfText.Grammar(converter.Rules);
    }

    /// <summary>Adds the rules of a schema to those of others.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="name">What its rules are to be called.</param>
    /// <param name="part">The keys that lead to the part of it that is meant; none for the whole. References start from the whole.</param>
    /// <returns>Name of the rule that stands for it.</returns>
    /// <exception cref="GrammarException">The schema is no JSON, or uses what cannot be turned into a grammar; no rules are added then.</exception>
    public string Add(string schema, string name, params ReadOnlySpan<string> part)
    {
        string[] before = [.. _rules.Keys];
        try
        {
            using var document = JsonDocument.Parse(schema);
            (_root, _rootPath, _depth) = (document.RootElement, "#", 0);
            _references.Clear();
            JsonElement meant = document.RootElement;
            foreach (string key in part) meant = meant.GetProperty(key);
            return Visit(meant, name, string.Join('/', ["#", .. part]));
        }
        catch (JsonException problem)
        {
            throw new GrammarException($"JSON schema: not JSON ({problem.Message})");
        }
        catch (GrammarException)
        {
            foreach (string added in _rules.Keys.Except(before).ToArray()) _rules.Remove(added);
            foreach (var (inside, _) in _strings.Where(known => !_rules.ContainsKey(known.Value)).ToArray()) _strings.Remove(inside);
            throw;
        }
    }

    /// <summary>Adds a rule of JSON's own, such as <c>string</c> or <c>object</c>, and those that it needs.</summary>
    public string Primitive(string name) => JsonPrimitives.Add(_rules, name, words);

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
            bool noNull = DeniedValues.Read(schema, path).Contains("null");
            string[] types = [.. type.EnumerateArray().Select(item => item.GetString() ?? "").Where(one => one != "null" || !noNull)];
            if (types.Length == 0) throw Error(path, "no type is left");
            return Define(name, string.Join(" | ", types.Select(one => VisitType(one, SchemaKeywords.OnlyFor(schema, one), Take($"{name}-{Safe(one)}"), path))));
        }

        string kind = type.ValueKind == JsonValueKind.String ? type.GetString()! : InferType(schema);
        string visited = VisitType(kind, schema, name, path);
        bool nullable = schema.TryGetProperty("nullable", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        return nullable ? Define(Take(name + "-or-null"), $"{visited} | {Primitive("null")}") : visited;
    }

    private string VisitType(string type, JsonElement schema, string name, string path)
    {
        switch (type)
        {
            case "object":
                SchemaKeywords.Check(schema, path, type, ObjectKeywords);
                return VisitObject(ObjectShape.Read(schema, path), name, path);
            case "array":
                SchemaKeywords.Check(schema, path, type, "type", "items", "prefixItems", "minItems", "maxItems", "uniqueItems");
                return VisitArray(schema, name, path);
            case "string":
                SchemaKeywords.Check(schema, path, type, "type", "minLength", "maxLength", "pattern", "format", "not");
                return VisitString(schema, name, path);
            case "number" or "integer":
                SchemaKeywords.Check(schema, path, type, "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format", "not");
                return VisitNumber(schema, type, name, path);
            case "boolean" or "null":
                SchemaKeywords.Check(schema, path, type, "type", "not");
                return VisitLiteral(schema, type, name, path);
            case "":
                SchemaKeywords.Check(schema, path, null);
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
        return Define(name, string.Join(" | ", values.EnumerateArray().Select(Constant)));
    }

    private string VisitLiteral(JsonElement schema, string type, string name, string path)
    {
        var denied = DeniedValues.Read(schema, path);
        string[] all = type == "null" ? ["null"] : ["true", "false"], left = [.. all.Where(literal => !denied.Contains(literal))];
        if (left.Length == 0) throw Error(path, $"every {type} is excluded");
        return left.Length == all.Length ? Primitive(type) : Define(name, GbnfText.Literal(words.Word(left[0])));
    }

    private string Constant(JsonElement value) => GbnfText.Literal(words.Write(value));

    private string VisitChoice(JsonElement schema, JsonElement options, string keyword, string name, string path)
    {
        SchemaKeywords.Check(schema, path, null, keyword, "type", "properties", "required", "additionalProperties");
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
        var shape = ObjectShape.Read(resolved, path);
        SchemaKeywords.Check(resolved, path, "object", ObjectKeywords);
        shape.Add(ObjectShape.Read(common, path));
        return VisitObject(shape, Take(name), path);
    }

    private string VisitAll(JsonElement schema, JsonElement parts, string name, string path)
    {
        if (parts.ValueKind != JsonValueKind.Array || parts.GetArrayLength() == 0) throw Error(path, "'allOf' needs a list of schemas");
        bool alone = !SchemaKeywords.AnyBut(schema, "allOf");
        if (alone && parts.GetArrayLength() == 1) return Visit(parts[0], name, path + "/allOf/0");
        var merged = ObjectShape.Read(schema, path);
        SchemaKeywords.Check(schema, path, "object", [.. ObjectKeywords, "allOf"]);
        foreach (JsonElement part in parts.EnumerateArray())
        {
            JsonElement resolved = Resolve(part, path);
            merged.Add(ObjectShape.Read(resolved, path));
            SchemaKeywords.Check(resolved, path, "object", ObjectKeywords);
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
        if (shape.IsAny) return Primitive("object");
        string space = Primitive("space");
        string Pair(string key, JsonElement value) =>
            Define(Take($"{name}-{Safe(key)}-kv"), $"{GbnfText.Literal(GbnfText.JsonString(key))} {space} \":\" {space} {Visit(value, $"{name}-{Safe(key)}", $"{path}/properties/{key}")} {space}");

        string[] required = [.. shape.Properties.Where(p => shape.Required.Contains(p.Key)).Select(p => Pair(p.Key, p.Value))];
        string[] optional = [.. shape.Properties.Where(p => !shape.Required.Contains(p.Key)).Select(p => Pair(p.Key, p.Value))];
        string? more = null;
        if (shape.Additional is { ValueKind: not JsonValueKind.False } additional)
        {
            Primitive("char");
            string key = Define(Take(name + "-more-key"), $"\"\\\"\" {StringRules.OtherThan([.. shape.Properties.Select(p => p.Key)], _budget)} \"\\\"\"");
            more = Define(Take(name + "-more-kv"), $"{key} {space} \":\" {space} {Visit(additional, name + "-more", path + "/additionalProperties")} {space}");
        }

        string comma = $"\",\" {space}";
        var body = new StringBuilder($"\"{{\" {space} ");
        string[] rests = Rests(name, optional, more, comma);
        if (required.Length > 0) body.Append(string.Join($" {comma} ", required)).Append(' ').Append(rests[0]);
        else if (shape.Properties.Count == 0 && more is not null) body.Append(List(more, comma, shape.Least, shape.Most));
        else if (Firsts(optional, more, rests) is { Length: > 0 } first) body.Append(shape.Least > 0 ? $"({first})" : $"({first})?");
        return Define(name, body.Append(" \"}\"").ToString());
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

    /// <summary>Items with a comma between them, as many as the bounds say.</summary>
    private string List(string item, string comma, long least, long? most)
    {
        if (most == 0) return "";
        string list = $"{item} {_budget.Repeat($"({comma} {item})", Math.Max(least - 1, 0), most - 1)}";
        return least == 0 ? $"({list})?" : list;
    }

    private string VisitArray(JsonElement schema, string name, string path)
    {
        if (schema.TryGetProperty("uniqueItems", out JsonElement unique) && unique.ValueKind == JsonValueKind.True) throw Error(path, "'uniqueItems' is not supported");
        string space = Primitive("space"), comma = $"\",\" {space}";
        long least = SchemaNumbers.Least(schema, "minItems", path) ?? 0;
        long? most = SchemaNumbers.Most(schema, "maxItems", path);
        if (most < least) throw Error(path, "'maxItems' is less than 'minItems'");
        JsonElement items = schema.TryGetProperty("items", out JsonElement given) ? given : default;
        if (schema.TryGetProperty("prefixItems", out JsonElement prefix) || (items.ValueKind == JsonValueKind.Array && (prefix = items).ValueKind == JsonValueKind.Array))
        {
            if (most < prefix.GetArrayLength() || least > prefix.GetArrayLength()) throw Error(path, "'minItems' and 'maxItems' beside a list of items are not supported");
            int number = 0;
            string all = string.Join($" {comma} ", prefix.EnumerateArray().Select(item => Visit(item, $"{name}-{number}", $"{path}/prefixItems/{number++}") + " " + space));
            return Define(name, $"\"[\" {space} {all} \"]\"");
        }

        if (items.ValueKind == JsonValueKind.Undefined && least == 0 && most is null) return Primitive("array");
        string item = items.ValueKind == JsonValueKind.Undefined ? Primitive("value") : Visit(items, name + "-item", path + "/items");
        return Define(name, $"\"[\" {space} {List($"{item} {space}", comma, least, most)} \"]\"");
    }

    private string VisitString(JsonElement schema, string name, string path)
    {
        long? least = SchemaNumbers.Least(schema, "minLength", path), most = SchemaNumbers.Most(schema, "maxLength", path);
        if (most < least) throw Error(path, "'maxLength' is less than 'minLength'");
        string[] denied = DeniedValues.Read(schema, path).Strings;
        if (schema.TryGetProperty("pattern", out JsonElement pattern))
            return Quoted(name, PatternConverter.Convert(pattern.GetString() ?? "", path, _budget, least ?? 0, most));
        if (schema.TryGetProperty("format", out JsonElement format) && format.GetString() is "date" or "time" or "date-time" or "uuid") return Primitive(format.GetString()!);
        if (denied.Length > 0) return Quoted(name, StringRules.OtherThan(denied, _budget, least ?? 0, most));
        if (least is null && most is null) return Primitive("string");
        return _strings.TryGetValue(GbnfText.Repeat("char", least ?? 0, most), out string? known) ? known
            : Quoted(name, _budget.Repeat("char", least ?? 0, most));
    }

    /// <summary>A rule for strings; equal ones are one rule, because lengths are long when they are written out.</summary>
    private string Quoted(string name, string inside)
    {
        Primitive("char");
        if (_strings.TryGetValue(inside, out string? known)) return known;
        return _strings[inside] = Define(name, $"\"\\\"\" {inside} \"\\\"\"");
    }

    private string VisitNumber(JsonElement schema, string type, string name, string path)
    {
        var (low, lowExcluded) = SchemaNumbers.Bound(schema, "minimum", "exclusiveMinimum", isLow: true, path);
        var (high, highExcluded) = SchemaNumbers.Bound(schema, "maximum", "exclusiveMaximum", isLow: false, path);
        decimal[] denied = DeniedValues.Read(schema, path).Numbers;
        if (low is null && high is null && denied.Length == 0) return Primitive(type);

        // What is excluded parts the range; from below to above.
        List<string> ways = [];
        foreach (decimal? cut in (decimal?[])[.. denied.Select(value => (decimal?)value), null])
        {
            bool last = cut is null;
            if (last || ((low is null || cut >= low) && (high is null || cut <= high)))
            {
                ways.Add(type == "integer"
                    ? NumberRange.Integers(low, lowExcluded, last ? high : cut, last ? highExcluded : true)
                    : NumberRange.Numbers(low, lowExcluded, last ? high : cut, last ? highExcluded : true));
                (low, lowExcluded) = (cut, true);
            }
        }

        string all = string.Join(" | ", ways.Where(way => way.Length > 0));
        return all.Length > 0 ? Define(name, all) : throw Error(path, $"no {type} lies between the bounds");
    }

    private string Define(string name, string body)
    {
        _rules[name] = body;
        return name;
    }

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
