using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// Rules for values of a tool's parameters in a notation other than JSON. What the notation writes as JSON does follows the whole schema;
/// the rest its types and enumerations.
/// </summary>
internal sealed class ValueGrammar
{
    private const string Comma = "\",\" \" \"?";

    private static readonly JsonValueKind[] Kinds =
        [JsonValueKind.String, JsonValueKind.Number, JsonValueKind.True, JsonValueKind.Array, JsonValueKind.Object, JsonValueKind.Null];

    private readonly CallGrammar _grammar;
    private readonly ValueNotation _notation;

    public ValueGrammar(CallGrammar grammar, ValueNotation notation)
    {
        (_grammar, _notation) = (grammar, notation);
        Add("string", notation.String);
        Add("nested", notation.Nested ?? notation.String);
        Add("key", notation.Key);
        Add("integer", "\"-\"? ([0] | [1-9] [0-9]{0,15})");
        Add("number", "\"-\"? ([0] | [1-9] [0-9]{0,15}) (\".\" [0-9]{1,16})?");
        Add("boolean", notation.Words.Rule("boolean")!);
        Add("null", notation.Words.Rule("null")!);
        Add("array", $"\"[\" ({Name("value")} ({Comma} {Name("value")})*)? \"]\"");
        Add("object", $"\"{{\" ({Name("pair")} ({Comma} {Name("pair")})*)? \"}}\"");
        Add("pair", $"{Name("key")} \":\" \" \"? {Name("value")}");
        Add("value", string.Join(" | ", new[] { "nested", "number", "boolean", "null", "array", "object" }.Select(Name)));
    }

    /// <summary>Name, or body in parentheses, of the rule for a parameter's values.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="parameter">One of its parameters.</param>
    public string Rule(int tool, ToolParameter parameter)
    {
        if (IsLikeJson(parameter) && _grammar.Value(tool, parameter, _notation.Words) is { } rule) return rule;
        if (parameter.Schema.ValueKind == JsonValueKind.Object && parameter.Schema.TryGetProperty("enum", out JsonElement values)
            && values.ValueKind == JsonValueKind.Array && values.GetArrayLength() > 0)
        {
                return $"({string.Join(" | ", values.EnumerateArray().Select(value => CallGrammar.Literal(Constant(value))))})";
        }

        var kinds = new List<string>();
        void Consider(JsonValueKind kind, string rule)
        {
            if (parameter.Allows(kind)) kinds.Add(Name(rule));
        }

        Consider(JsonValueKind.String, "string");
        Consider(JsonValueKind.Number, IsInteger(parameter.Schema) ? "integer" : "number");
        Consider(JsonValueKind.True, "boolean");
        Consider(JsonValueKind.Array, "array");
        Consider(JsonValueKind.Object, "object");
        Consider(JsonValueKind.Null, "null");
        return kinds.Count == 0 ? Name("value") : $"({string.Join(" | ", kinds)})";
    }

    private bool IsLikeJson(ToolParameter parameter) => _notation.Unlike.Count == 0
        || (Kinds.Any(parameter.Allows) && !_notation.Unlike.Any(parameter.Allows));

    private string Constant(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when _notation.Quote == "\"" => CallGrammar.JsonString(value.GetString()!),
        JsonValueKind.String => _notation.Quote + value.GetString() + _notation.Quote,
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => _notation.Words.Word(value.GetRawText()),
        _ => value.GetRawText(),
    };

    private static bool IsInteger(JsonElement schema) => schema.ValueKind == JsonValueKind.Object
        && schema.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.GetString() == "integer";

    private string Name(string kind) => $"{_notation.Prefix}-{kind}";

    private void Add(string kind, string body) => _grammar.Define(Name(kind), body);
}
