using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace TinyMllm.Generation;

/// <summary>Puts values of .NET into the JSON that templates take, without reflection.</summary>
internal static class TemplateValues
{
    /// <summary>Deepest nesting.</summary>
    private const int MaximumDepth = 32;

    /// <summary>All of some variables.</summary>
    /// <exception cref="ArgumentException">A value is of a type that templates do not have.</exception>
    public static IReadOnlyDictionary<string, JsonElement> Of(IReadOnlyDictionary<string, object?> variables) =>
        variables.ToDictionary(pair => pair.Key, pair => Of(pair.Key, pair.Value));

    private static JsonElement Of(string name, object? value)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory)) Write(writer, name, value, 0);
        return JsonElement.Parse(memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }

    private static void Write(Utf8JsonWriter writer, string name, object? value, int depth)
    {
        if (depth > MaximumDepth) throw new ArgumentException($"template variable '{name}': nested deeper than {MaximumDepth}");
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool truth:
                writer.WriteBooleanValue(truth);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case float or double when double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)):
                // A float stays one: 2.0 is not 2 for a template.
                string digits = ((IFormattable)value).ToString("R", CultureInfo.InvariantCulture);
                writer.WriteRawValue(digits.AsSpan().ContainsAny('.', 'E') ? digits : digits + ".0");
                break;
            case decimal number:
                writer.WriteNumberValue(number);
                break;
            case JsonElement { ValueKind: not JsonValueKind.Undefined } element:
                element.WriteTo(writer);
                break;
            case IEnumerable<KeyValuePair<string, object?>> pairs:
                writer.WriteStartObject();
                foreach (var (key, item) in pairs)
                {
                    writer.WritePropertyName(key);
                    Write(writer, name, item, depth + 1);
                }

                writer.WriteEndObject();
                break;
            case IDictionary pairs:
                writer.WriteStartObject();
                foreach (DictionaryEntry pair in pairs)
                {
                    writer.WritePropertyName(pair.Key as string
                        ?? throw new ArgumentException($"template variable '{name}': keys must be texts"));
                    Write(writer, name, pair.Value, depth + 1);
                }

                writer.WriteEndObject();
                break;
            case IEnumerable items:
                writer.WriteStartArray();
                foreach (object? item in items) Write(writer, name, item, depth + 1);
                writer.WriteEndArray();
                break;
            default:
                throw new ArgumentException($"template variable '{name}': a {value.GetType().Name} is nothing that templates have");
        }
    }
}
