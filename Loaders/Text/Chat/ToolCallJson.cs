using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>Reads the JSON in which models write tool calls.</summary>
internal static class ToolCallJson
{
    /// <summary>
    /// One call or a list of calls: <c>{"name": …, "arguments": {…}}</c>, with <c>parameters</c> for <c>arguments</c> (llama 3), the
    /// arguments as a string of JSON, or all of it inside <c>{"function": …}</c>. False when the text is something else.
    /// </summary>
    /// <param name="json">The text.</param>
    /// <param name="calls">Receives the calls.</param>
    /// <param name="needsArguments">Whether a name without arguments is something else.</param>
    public static bool TryRead(string json, List<ChatToolCall> calls, bool needsArguments = false)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            int before = calls.Count;
            bool all = document.RootElement.ValueKind == JsonValueKind.Array
                ? document.RootElement.GetArrayLength() > 0
                    && document.RootElement.EnumerateArray().All(item => TryRead(item, calls, needsArguments))
                : TryRead(document.RootElement, calls, needsArguments);
            if (!all) calls.RemoveRange(before, calls.Count - before);
            return all;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryRead(JsonElement call, List<ChatToolCall> calls, bool needsArguments)
    {
        if (call.ValueKind != JsonValueKind.Object) return false;
        string? id = Text(call, "id") ?? Text(call, "tool_call_id");
        if (call.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object) call = function;
        if ((Text(call, "name") ?? Text(call, "tool_name") ?? Text(call, "function")) is not { Length: > 0 } name) return false;
        string arguments = "{}";
        if (call.TryGetProperty("arguments", out JsonElement value) || call.TryGetProperty("parameters", out value))
        {
            arguments = value.ValueKind switch
            {
                JsonValueKind.Object => value.GetRawText(),
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Null when !needsArguments => "{}",
                _ => "",
            };
        }
        else if (needsArguments)
        {
            return false;
        }

        if (!IsObject(arguments)) return false;
        calls.Add(new ChatToolCall(id ?? "", name, arguments));
        return true;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool IsObject(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
