using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>In what a notation differs from JSON whose strings, numbers, lists and objects are JSON's.</summary>
/// <param name="True">The word for true.</param>
/// <param name="False">The word for false.</param>
/// <param name="Null">The word for nothing.</param>
internal sealed record LiteralWords(string True, string False, string Null)
{
    /// <summary>JSON itself.</summary>
    public static LiteralWords Json { get; } = new("true", "false", "null");

    /// <summary>Python's literals.</summary>
    public static LiteralWords Python { get; } = new("True", "False", "None");

    /// <summary>The body of the rule for a word of JSON; null if it stands for none.</summary>
    public string? Rule(string primitive) => primitive switch
    {
        "boolean" => $"{GbnfText.Literal(True)} | {GbnfText.Literal(False)}",
        "null" => GbnfText.Literal(Null),
        _ => null,
    };

    /// <summary>A word of JSON in this notation.</summary>
    public string Word(string json) => json switch { "true" => True, "false" => False, _ => Null };

    /// <summary>A value in this notation.</summary>
    public string Write(JsonElement value) => value.ValueKind switch
    {
        _ when this == Json => GbnfText.CompactJson(value),
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => Word(value.GetRawText()),
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Write))}]",
        JsonValueKind.Object => $"{{{string.Join(", ", value.EnumerateObject().Select(item => $"{GbnfText.JsonString(item.Name)}: {Write(item.Value)}"))}}}",
        _ => GbnfText.CompactJson(value),
    };
}
