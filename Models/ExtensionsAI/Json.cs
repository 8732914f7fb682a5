using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace TinyMllm.ExtensionsAI;

/// <summary>JSON of tool calls and their results, without reflection of our own.</summary>
internal static class Json
{
    /// <summary>A JSON object as a dictionary of elements.</summary>
    public static Dictionary<string, object?> ReadArguments(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.EnumerateObject().ToDictionary(property => property.Name, object? (property) => property.Value.Clone())
            : [];
    }

    /// <summary>Arguments as a JSON object.</summary>
    public static string WriteArguments(IDictionary<string, object?>? arguments) => arguments is null
        ? "{}"
        : Write(arguments, typeof(IDictionary<string, object?>));

    /// <summary>A tool's result as the text that the model reads.</summary>
    public static string WriteResult(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString()!,
        _ => Write(result, typeof(object)),
    };

    /// <summary>On one line, unlike what the options say: models are trained on compact JSON.</summary>
    private static string Write(object value, Type type)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            JsonSerializer.Serialize(writer, value, AIJsonUtilities.DefaultOptions.GetTypeInfo(type));
        return Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length);
    }
}
