using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Grammars;
using TinyMllm.Loaders.Grammars.JsonSchema;

namespace TinyMllm.Loaders.Chat.ToolForms;

/// <summary>Collects the rules of a grammar for calls of some tools.</summary>
internal sealed class CallGrammar(IReadOnlyList<ChatTool> tools)
{
    private const string AnyObject = """{"type":"object"}""";

    private readonly OrderedDictionary<string, string> _rules = [];
    private readonly IReadOnlyList<ToolParameter>[] _parameters = [.. tools.Select(ToolParameter.Of)];
    private string _argumentRules = "";
    private string[]? _arguments;

    /// <summary>The tools.</summary>
    public IReadOnlyList<ChatTool> Tools => tools;

    /// <summary>The parameters of a tool.</summary>
    public IReadOnlyList<ToolParameter> Parameters(int tool) => _parameters[tool];

    /// <summary>Name of the rule for a tool's arguments as a JSON object.</summary>
    public string JsonArguments(int tool) => (_arguments ??= ConvertArguments())[tool];

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
        return text.Append(_argumentRules).ToString();
    }

    /// <summary>
    /// Converts the schemas of all tools at once, as the choices of one schema, so that names of rules are not given twice; takes the
    /// choices out of its root rule.
    /// </summary>
    private string[] ConvertArguments()
    {
        string gbnf = JsonSchemaConverter.ToGbnf($$"""{"anyOf":[{{string.Join(',', tools.Select(Schema))}}]}""");
        var lines = gbnf.Split('\n').ToLookup(line => line.StartsWith("root ::= ", StringComparison.Ordinal));
        _argumentRules = string.Join('\n', lines[false]);
        return lines[true].Single()["root ::= ".Length..].Split(" | ");
    }

    /// <summary>The schema of a tool's arguments; any object if it is one that a grammar cannot follow.</summary>
    private static string Schema(ChatTool tool)
    {
        try
        {
            JsonElement schema = JsonElement.Parse(tool.ParametersJson);
            if (schema.ValueKind != JsonValueKind.Object) return AnyObject;
            string marked = Marked(schema);
            JsonSchemaConverter.ToGbnf(marked);
            return marked;
        }
        catch (Exception problem) when (problem is JsonException or GrammarException)
        {
            return AnyObject;
        }
    }

    /// <summary>An object schema with the mark that makes references begin at it, see <see cref="JsonSchemaConverter"/>.</summary>
    private static string Marked(JsonElement schema)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "");
            if (!schema.EnumerateObject().Any(property => property.Name is "type" or "$ref" or "anyOf" or "oneOf" or "allOf")) writer.WriteString("type", "object");
            foreach (JsonProperty property in schema.EnumerateObject().Where(property => property.Name != "$schema")) property.WriteTo(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(memory.ToArray());
    }
}
