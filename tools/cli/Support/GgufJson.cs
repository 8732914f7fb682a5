using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Cli.Support;

/// <summary>A GGUF file's header as JSON: file facts, metadata (key → type and value), tensors in file order.</summary>
internal static class GgufJson
{
    public static void Write(GgufFile file, TextWriter output)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory,
            new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("path", file.Path);
            json.WriteNumber("version", file.Version);
            json.WriteNumber("alignment", file.Alignment);
            json.WriteNumber("parts", file.PartCount);
            json.WriteNumber("bytes", file.Length);
            json.WriteStartObject("metadata");
            foreach ((string key, GgufValue value) in file.Metadata.Entries) WriteEntry(json, key, value);
            json.WriteEndObject();
            json.WriteStartArray("tensors");
            foreach (StoredTensor tensor in file.Tensors) WriteTensor(json, tensor);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
    }

    private static void WriteEntry(Utf8JsonWriter json, string key, GgufValue value)
    {
        json.WriteStartObject(key);
        json.WriteString("type", value.Type.ToString());
        if (value.Type == GgufValueType.Array)
        {
            json.WriteString("elements", value.ElementType.ToString());
            json.WriteStartArray("value");
            foreach (object element in (Array)value.Value) WriteScalar(json, element);
            json.WriteEndArray();
        }
        else
        {
            json.WritePropertyName("value");
            WriteScalar(json, value.Value);
        }

        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, StoredTensor tensor)
    {
        json.WriteStartObject();
        json.WriteString("name", tensor.Name);
        json.WriteString("type", tensor.Type.ToString());
        json.WriteStartArray("shape");
        foreach (long size in tensor.Dimensions) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteNumber("bytes", tensor.ByteCount);
        json.WriteEndObject();
    }

    private static void WriteScalar(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case byte[] text: json.WriteStringValue(Encoding.UTF8.GetString(text)); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case float number when !float.IsFinite(number): json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number when !double.IsFinite(number): json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case float number: json.WriteNumberValue(number); break;
            case double number: json.WriteNumberValue(number); break;
            case ulong number: json.WriteNumberValue(number); break;
            default: json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
        }
    }
}
