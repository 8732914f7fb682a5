using System.Text.Json;
using TinyMllm.Loaders.Text.Chat.Jinja;
using TinyMllm.Loaders.Text.Chat.Trials;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>Puts messages and tools into the values that templates read.</summary>
internal static class MessageValues
{
    /// <summary>A message.</summary>
    /// <param name="message">The message, its words guarded already if they should be.</param>
    /// <param name="content">Its content.</param>
    /// <param name="tools">How the template wants calls.</param>
    /// <param name="guard">Guards the words of calls; null leaves them as they are.</param>
    public static Dict Of(TurnMessage message, object content, ToolAbilities tools, TextGuard? guard)
    {
        var value = Dict.Of(("role", RoleName(message.Role)));
        bool onlyCalls = message.ToolCalls.Count > 0 && message.Parts.All(part => part.Text is { Length: 0 });
        if (!onlyCalls || tools.EmptyContent == EmptyContent.Text) value["content"] = content;
        else if (tools.EmptyContent == EmptyContent.None) value["content"] = null;
        if (message.Reasoning is not null) value["reasoning_content"] = value["thinking"] = message.Reasoning;
        if (message.ToolCallId is not null) value["tool_call_id"] = message.ToolCallId;
        if (message.ToolName is not null) value["name"] = message.ToolName;
        if (message.ToolCalls.Count > 0)
            value["tool_calls"] = message.ToolCalls.Select(object? (call) => OfCall(call, tools.ArgumentsAsText, guard)).ToList();
        return value;
    }

    /// <summary>A tool.</summary>
    public static object? Of(ChatTool tool, TextGuard? guard) => Guarded(Dict.Of(
        ("type", "function"),
        ("function", Dict.Of(("name", tool.Name), ("description", tool.Description),
            ("parameters", ParseJson(tool.ParametersJson, $"parameters of tool '{tool.Name}'"))))), guard);

    /// <summary>Content as a list of parts.</summary>
    /// <param name="message">The message.</param>
    /// <param name="imagesAsText">Whether pictures are texts with the marker; otherwise parts of a kind of their own.</param>
    public static List<object?> Parts(TurnMessage message, bool imagesAsText) =>
    [
        .. message.Parts.Select(part => part.Text is { } text ? TextPart(text)
            : imagesAsText ? TextPart(ChatTemplate.ImageMarker) : Dict.Of(("type", "image"))),
    ];

    private static Dict OfCall(ChatToolCall call, bool argumentsAsText, TextGuard? guard)
    {
        object? arguments = ParseJson(call.ArgumentsJson, $"arguments of tool call '{call.Name}'");
        return Dict.Of(("id", call.Id), ("type", "function"),
            ("function", Guarded(Dict.Of(("name", call.Name), ("arguments", argumentsAsText ? call.ArgumentsJson : arguments)), guard)));
    }

    /// <summary>A value in which every text is guarded, those of keys as well as those of items.</summary>
    private static object? Guarded(object? value, TextGuard? guard) => guard is null ? value : value switch
    {
        string text => guard.Protect(text),
        List<object?> list => list.ConvertAll(item => Guarded(item, guard)),
        Dict dict => Dict.Of([.. dict.Select(pair => (guard.Protect((string)pair.Key), Guarded(pair.Value, guard)))]),
        _ => value,
    };

    private static object? ParseJson(string json, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return ValueJson.Read(document.RootElement);
        }
        catch (JsonException problem)
        {
            throw new ChatTemplateException(0, $"{what}: not JSON ({problem.Message})");
        }
    }

    private static string RoleName(TurnRole role) => role switch
    {
        TurnRole.System => "system",
        TurnRole.Assistant => "assistant",
        TurnRole.Tool => "tool",
        _ => "user",
    };

    private static Dict TextPart(string text) => Dict.Of(("type", "text"), ("text", text));
}
