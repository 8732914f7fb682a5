using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>JSON as Python's <c>json.dumps</c> writes it, and values from JSON.</summary>
internal sealed class ValueJson(RenderContext context, string? indent, string itemSeparator, string keySeparator, bool sortKeys, bool ensureAscii)
{
    private readonly StringBuilder _result = new();

    /// <summary>The JSON text of a value.</summary>
    public string Write(object? value)
    {
        Write(value, 0);
        return _result.ToString();
    }

    /// <summary>The value that a JSON element stands for.</summary>
    public static object? Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => ReadObject(element),
        JsonValueKind.Array => element.EnumerateArray().Select(Read).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out long integer) ? (object)integer : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static Dict ReadObject(JsonElement element)
    {
        var dict = new Dict();
        foreach (JsonProperty property in element.EnumerateObject()) dict[property.Name] = Read(property.Value);
        return dict;
    }

    private void Write(object? value, int depth)
    {
        context.Enter();
        context.ChargeItems(1);
        int start = _result.Length;
        switch (value)
        {
            case null:
                _result.Append("null");
                break;
            case bool truth:
                _result.Append(truth ? "true" : "false");
                break;
            case long integer:
                _result.Append(integer);
                break;
            case double number:
                _result.Append(double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : ValueText.Of(number));
                break;
            case string text:
                Quote(text);
                break;
            case List<object?> list:
                WriteAll('[', ']', list.Count, depth, i => Write(list[i], depth + 1));
                break;
            case Dict dict:
                var pairs = dict.ToList();
                if (sortKeys) pairs.Sort((a, b) => Values.Compare(context, a.Key, b.Key));
                WriteAll('{', '}', pairs.Count, depth, i =>
                {
                    Quote(pairs[i].Key is string key ? key : KeyText(pairs[i].Key));
                    _result.Append(keySeparator);
                    Write(pairs[i].Value, depth + 1);
                });
                break;
            default:
                throw context.Error($"'tojson' cannot write {Values.TypeName(value)}{(value is Undefined missing ? $" ({missing.What})" : "")}");
        }

        context.ChargeCharacters(_result.Length - start);
        context.Leave();
    }

    private void WriteAll(char open, char close, int count, int depth, Action<int> writeItem)
    {
        _result.Append(open);
        for (int i = 0; i < count; i++)
        {
            if (i > 0) _result.Append(itemSeparator);
            NewLine(depth + 1);
            writeItem(i);
        }

        if (count > 0) NewLine(depth);
        _result.Append(close);
    }

    private void NewLine(int depth)
    {
        if (indent is null) return;
        context.ChargeCharacters((long)indent.Length * depth);
        _result.Append('\n');
        for (int i = 0; i < depth; i++) _result.Append(indent);
    }

    private static string KeyText(object key) => key switch
    {
        bool truth => truth ? "true" : "false",
        double number => ValueText.Of(number),
        _ => Convert.ToString(key, CultureInfo.InvariantCulture) ?? "",
    };

    private void Quote(string text)
    {
        context.ChargeCharacters(text.Length);
        _result.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => _result.Append("\\\""),
                '\\' => _result.Append(@"\\"),
                '\n' => _result.Append(@"\n"),
                '\r' => _result.Append(@"\r"),
                '\t' => _result.Append(@"\t"),
                '\b' => _result.Append(@"\b"),
                '\f' => _result.Append(@"\f"),
                _ when c < ' ' || (ensureAscii && c > '~' && c != Tokenizers.GuardedText.Mark) => _result.Append(CultureInfo.InvariantCulture, $@"\u{(int)c:x4}"),
                _ => _result.Append(c),
            };
        }

        _result.Append('"');
    }
}
