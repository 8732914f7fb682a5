using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Collects the rules of a grammar for calls of some tools.</summary>
internal sealed class CallGrammar(IReadOnlyList<ChatTool> tools)
{
    private readonly OrderedDictionary<string, string> _rules = [];
    private readonly IReadOnlyList<ToolParameter>[] _parameters = [.. tools.Select(ToolParameter.Of)];
    private readonly string?[] _arguments = new string?[tools.Count];
    private JsonSchemaConverter? _schemas;
    private int _values;

    /// <summary>The tools.</summary>
    public IReadOnlyList<ChatTool> Tools => tools;

    /// <summary>The parameters of a tool.</summary>
    public IReadOnlyList<ToolParameter> Parameters(int tool) => _parameters[tool];

    /// <summary>Name of the rule for a tool's arguments as a JSON object.</summary>
    public string JsonArguments(int tool) => _arguments[tool] ??= AddArguments(tool);

    /// <summary>
    /// Name of the rule for values of a parameter in a notation that is JSON but for its words; null if its schema is one that a grammar
    /// cannot follow.
    /// </summary>
    /// <param name="tool">The tool.</param>
    /// <param name="parameter">One of its parameters.</param>
    /// <param name="words">The words; the same for all values of a grammar.</param>
    public string? Value(int tool, ToolParameter parameter, LiteralWords words)
    {
        try
        {
            return Schemas(words).Add(tools[tool].ParametersJson, $"value-{_values++}", "properties", parameter.Name);
        }
        catch (GrammarException)
        {
            return null;
        }
    }

    /// <summary>Adds a rule and returns its name.</summary>
    public string Define(string name, string body)
    {
        _rules[name] = body;
        return name;
    }

    /// <summary>A literal that matches exactly the text; nothing for no text.</summary>
    public static string Literal(string text) => text.Length == 0 ? "" : GbnfText.Literal(text);

    /// <summary>A text in quotes, as JSON has it.</summary>
    public static string JsonString(string text) => GbnfText.JsonString(text);

    /// <summary>Items in order with a separator between them, all the required ones and any of the others behind them.</summary>
    public static string Sequence(string[] required, string[] optional, string separator)
    {
        string comma = Literal(separator);
        string Rest(int from) => string.Concat(optional.Skip(from).Select(item => $" ({comma} {item})?"));
        if (required.Length > 0) return string.Join($" {comma} ", required) + Rest(0);
        return optional.Length == 0 ? "" : $"({string.Join(" | ", optional.Select((item, i) => item + Rest(i + 1)))})?";
    }

    /// <summary>All rules.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, body) in _rules) text.Append(name).Append(" ::= ").Append(body).Append('\n');
        return text.Append(GbnfText.Grammar(_schemas?.Rules ?? [])).ToString();
    }

    /// <summary>The schema of a tool's arguments; any object if it is one that a grammar cannot follow.</summary>
    private string AddArguments(int tool)
    {
        JsonSchemaConverter schemas = Schemas(LiteralWords.Json);
        try
        {
            return schemas.Add(AsObject(tools[tool].ParametersJson), $"arguments-{tool}");
        }
        catch (Exception problem) when (problem is JsonException or GrammarException)
        {
            return schemas.Primitive("object");
        }
    }

    private JsonSchemaConverter Schemas(LiteralWords words) => _schemas ??= new JsonSchemaConverter(words);

    /// <summary>A schema that says of itself that it is an object's.</summary>
    private static string AsObject(string json)
    {
        var schema = JsonElement.Parse(json);
        if (schema.ValueKind != JsonValueKind.Object) return """{"type":"object"}""";
        if (schema.EnumerateObject().Any(property => property.Name is "type" or "$ref" or "anyOf" or "oneOf" or "allOf")) return json;
        return schema.EnumerateObject().Any() ? """{"type":"object",""" + json.TrimStart()[1..] : """{"type":"object"}""";
    }
}
