using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>Writes pieces of GBNF.</summary>
internal static class GbnfText
{
    /// <summary>A grammar of rules.</summary>
    public static string Grammar(IEnumerable<KeyValuePair<string, string>> rules) => string.Concat(rules.Select(rule => $"{rule.Key} ::= {rule.Value}\n"));

    /// <summary>A literal that matches exactly the text.</summary>
    public static string Literal(string text)
    {
        var result = new StringBuilder("\"");
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => result.Append("\\\""),
                '\\' => result.Append(@"\\"),
                '\n' => result.Append(@"\n"),
                '\r' => result.Append(@"\r"),
                '\t' => result.Append(@"\t"),
                < ' ' or '\x7F' => result.Append(CultureInfo.InvariantCulture, $@"\x{(int)c:X2}"),
                _ => result.Append(c),
            };
        }

        return result.Append('"').ToString();
    }

    /// <summary>A character inside of a set.</summary>
    public static string SetCharacter(int codePoint) => codePoint switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        '\\' => @"\\",
        ']' => @"\]",
        '[' => @"\[",
        '^' => @"\x5E",
        '-' => @"\x2D",
        < ' ' or 0x7F => $@"\x{codePoint:X2}",
        > 0xFFFF => $@"\U{codePoint:X8}",
        > 0x7E => $@"\u{codePoint:X4}",
        _ => ((char)codePoint).ToString(),
    };

    /// <summary>An item repeated at least and at most so often; null: any number.</summary>
    public static string Repeat(string item, long least, long? most) => (least, most) switch
    {
        (1, 1) => item,
        (0, null) => item + "*",
        (1, null) => item + "+",
        (0, 1) => item + "?",
        _ when most == least => $"{item}{{{least}}}",
        _ => $"{item}{{{least},{most}}}",
    };

    /// <summary>A JSON value in its compact form: what a constant or an enumeration allows.</summary>
    public static string CompactJson(JsonElement value)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            value.WriteTo(writer);
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    /// <summary>A string as JSON writes it, with quotes.</summary>
    public static string JsonString(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
