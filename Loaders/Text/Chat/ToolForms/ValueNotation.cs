using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>How a notation writes values, as bodies of GBNF rules.</summary>
/// <param name="Prefix">What the names of its rules begin with.</param>
/// <param name="String">A string.</param>
/// <param name="Key">A key of an object.</param>
/// <param name="Quote">What stands before and behind the text of a string.</param>
/// <param name="Words">The words for true, false and nothing.</param>
/// <param name="Nested">A string inside of lists and objects, if it differs.</param>
internal sealed record ValueNotation(string Prefix, string String, string Key, string Quote, LiteralWords Words, string? Nested = null)
{
    private const string JsonString = """ "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" """;

    /// <summary>Kinds of values that are not written as JSON writes them, words apart.</summary>
    public IReadOnlyList<JsonValueKind> Unlike { get; private init; } = [];

    /// <summary>Python.</summary>
    public static ValueNotation Python { get; } = new("python", JsonString, JsonString, "\"", LiteralWords.Python);

    /// <summary>Texts as they are up to a tag; everything else as JSON.</summary>
    public static ValueNotation Tagged(string closer) => new("tagged", WithoutText(closer), JsonString, "", LiteralWords.Json, JsonString)
    {
        Unlike = [JsonValueKind.String],
    };

    /// <summary>Keys without quotes, strings between special tokens.</summary>
    public static ValueNotation BareKeys(string quote)
    {
        string text = $"{CallGrammar.Literal(quote)} {WithoutText(quote)} {CallGrammar.Literal(quote)}";
        return new ValueNotation("bare", text, "[a-zA-Z_] [a-zA-Z0-9_-]*", quote, LiteralWords.Json)
        {
            Unlike = [JsonValueKind.String, JsonValueKind.Array, JsonValueKind.Object],
        };
    }

    /// <summary>Writes a value.</summary>
    public string Write(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value, text, nested: false);
        return text.ToString();
    }

    private void Write(JsonElement value, StringBuilder text, bool nested)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String when Quote == "\"" || (nested && Nested is not null):
                text.Append(CallGrammar.JsonString(value.GetString()!));
                break;
            case JsonValueKind.String:
                text.Append(Quote).Append(value.GetString()).Append(Quote);
                break;
            case JsonValueKind.Array:
                text.Append('[');
                int items = 0;
                foreach (JsonElement item in value.EnumerateArray())
                {
                    if (items++ > 0) text.Append(Comma);
                    Write(item, text, nested: true);
                }

                text.Append(']');
                break;
            case JsonValueKind.Object:
                text.Append('{');
                int pairs = 0;
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    if (pairs++ > 0) text.Append(Comma);
                    text.Append(IsBare ? property.Name + ":" : CallGrammar.JsonString(property.Name) + ": ");
                    Write(property.Value, text, nested: true);
                }

                text.Append('}');
                break;
            case JsonValueKind.True:
                text.Append(Words.True);
                break;
            case JsonValueKind.False:
                text.Append(Words.False);
                break;
            case JsonValueKind.Null:
                text.Append(Words.Null);
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    /// <summary>Whether keys come without quotes, and separators without blanks.</summary>
    private bool IsBare => Prefix == "bare";

    private string Comma => IsBare ? "," : ", ";

    /// <summary>Any text in which another text does not begin: its first character comes only before one that is not its second.</summary>
    private static string WithoutText(string text)
    {
        string first = GbnfText.SetCharacter(text[0]), second = Grammars.JsonSchema.GbnfText.SetCharacter(text[1]);
        return $"([^{first}] | [{first}]+ [^{first}{second}])*";
    }
}
