using System.Text.Json;
using TinyMllm.Loaders.Chat.Jinja;
using TinyMllm.Loaders.Tokenizers;

namespace TinyMllm.Loaders.Chat;

/// <summary>
/// A Jinja template and what it was found to understand. Templates differ in whether content is a text or a list of parts, whether there is a
/// system role, and what they write for a picture; small trial renderings tell.
/// </summary>
internal sealed class JinjaChat
{
    private const string Needle = "zqtrialqz", SecondNeedle = "qzsecondzq";

    private readonly JinjaTemplate _template;
    private readonly ChatTokens _tokens;
    private readonly bool _takesText;
    private ChatTemplateException? _firstProblem;

    public JinjaChat(JinjaTemplate template, ChatTokens tokens)
    {
        (_template, _tokens) = (template, tokens);
        string? plain = TryTrial(User(Needle));
        bool takesParts = Shows(TryTrial(UserParts(TextPart(Needle))));
        _takesText = Shows(plain) || !takesParts;
        if (!Shows(plain) && !takesParts) Problem = _firstProblem;
        ImagePlaceholder = takesParts ? FindImagePlaceholder() : "";
        SupportsSystemRole = TryTrial(Message("system", Content(Needle)), Message("user", Content(SecondNeedle))) is { } both
            && both.Contains(Needle, StringComparison.Ordinal) && both.Contains(SecondNeedle, StringComparison.Ordinal);
        SupportsTools = TryRender([Message("user", Content(SecondNeedle))],
            new ChatRenderOptions { Tools = [new ChatTool(Needle, "", """{"type":"object","properties":{}}""")] })?.Contains(Needle, StringComparison.Ordinal) ?? false;
    }

    /// <summary>What went wrong with the simplest conversation, other than the template refusing it; null when it can be rendered.</summary>
    public ChatTemplateException? Problem { get; }

    /// <summary>What the template writes for a picture; empty if it writes nothing.</summary>
    public string ImagePlaceholder { get; }

    /// <summary>True when system messages are written; otherwise they are put in front of the next user message.</summary>
    public bool SupportsSystemRole { get; }

    /// <summary>True when tools are written.</summary>
    public bool SupportsTools { get; }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages, guarded already if they should be.</param>
    /// <param name="options">What it should contain.</param>
    /// <param name="guard">Guards the words of tools and of their calls; null leaves them as they are.</param>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatRenderOptions options, TextGuard? guard = null)
    {
        if (!SupportsSystemRole) messages = MoveSystemTexts(messages);
        int images = messages.Sum(message => message.Parts.Count(part => part.IsImage));
        if (images > 0 && ImagePlaceholder.Length > 0 && !options.ImagesAsText)
        {
            // The template writes its own placeholder. If a text holds the same characters, the count is off, and markers in the text it is.
            string rendered = RenderAll(messages, options, guard, message => PartList(message, imagesAsText: false));
            if (Count(rendered, ImagePlaceholder) == images)
                return rendered.Replace(ImagePlaceholder, ChatTemplate.ImageMarker, StringComparison.Ordinal);
        }

        return RenderAll(messages, options, guard, message => _takesText ? message.Flatten(ChatTemplate.ImageMarker) : PartList(message, imagesAsText: true));
    }

    private string RenderAll(
        IReadOnlyList<ChatMessage> messages, ChatRenderOptions options, TextGuard? guard, Func<ChatMessage, object> content) =>
        RenderValues([.. messages.Select(message => ToValue(message, content(message), guard))], options, guard);

    private string RenderValues(List<object?> messages, ChatRenderOptions options, TextGuard? guard = null)
    {
        List<(string, object?)> variables =
        [
            ("messages", messages),
            ("bos_token", _tokens.Bos),
            ("eos_token", _tokens.Eos),
            ("enable_thinking", options.EnableThinking),
        ];
        if (options.AddGenerationPrompt) variables.Add(("add_generation_prompt", true));
        if (options.Tools.Count > 0) variables.Add(("tools", options.Tools.Select(object? (tool) => Guarded(ToValue(tool), guard)).ToList()));
        foreach (var (name, value) in options.Variables) variables.Add((name, ValueJson.Read(value)));
        return _template.Render(variables, options.Now ?? DateTime.Now);
    }

    private static Dict ToValue(ChatMessage message, object content, TextGuard? guard)
    {
        Dict value = Message(RoleName(message.Role), content);
        if (message.Reasoning is not null) value["reasoning_content"] = message.Reasoning;
        if (message.ToolCallId is not null) value["tool_call_id"] = message.ToolCallId;
        if (message.ToolName is not null) value["name"] = message.ToolName;
        if (message.ToolCalls.Count > 0)
        {
            value["tool_calls"] = message.ToolCalls.Select(object? (call) => Dict.Of(
                ("id", call.Id), ("type", "function"),
                ("function", Guarded(
                    Dict.Of(("name", call.Name), ("arguments", ParseJson(call.ArgumentsJson, $"arguments of tool call '{call.Name}'"))), guard)))).ToList();
        }

        return value;
    }

    private static Dict ToValue(ChatTool tool) => Dict.Of(
        ("type", "function"),
        ("function", Dict.Of(("name", tool.Name), ("description", tool.Description),
            ("parameters", ParseJson(tool.ParametersJson, $"parameters of tool '{tool.Name}'")))));

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
            using JsonDocument document = JsonDocument.Parse(json);
            return ValueJson.Read(document.RootElement);
        }
        catch (JsonException problem)
        {
            throw new ChatTemplateException(0, $"{what}: not JSON ({problem.Message})");
        }
    }

    private static string RoleName(ChatRole role) => role switch
    {
        ChatRole.System => "system",
        ChatRole.Assistant => "assistant",
        ChatRole.Tool => "tool",
        _ => "user",
    };

    private static List<object?> PartList(ChatMessage message, bool imagesAsText) =>
    [
        .. message.Parts.Select(part => part.Text is { } text ? TextPart(text)
            : imagesAsText ? TextPart(ChatTemplate.ImageMarker) : Dict.Of(("type", "image"))),
    ];

    /// <summary>Puts system texts, and a line break, in front of the next user message.</summary>
    private static List<ChatMessage> MoveSystemTexts(IReadOnlyList<ChatMessage> messages)
    {
        List<ChatMessage> result = [];
        List<ChatPart> waiting = [];
        foreach (ChatMessage message in messages)
        {
            if (message.Role == ChatRole.System)
            {
                waiting.Add(message.Flatten(ChatTemplate.ImageMarker) + "\n");
            }
            else if (message.Role == ChatRole.User && waiting.Count > 0)
            {
                string system = string.Concat(waiting.Select(part => part.Text));
                result.Add(message.Parts is [{ Text: { } first }, ..]
                    ? new ChatMessage(ChatRole.User, [system + first, .. message.Parts.Skip(1)])
                    : new ChatMessage(ChatRole.User, [system, .. message.Parts]));
                waiting.Clear();
            }
            else
            {
                result.Add(message);
            }
        }

        // Nobody asked anything after it: then it is the question.
        if (waiting.Count > 0) result.Add(new ChatMessage(ChatRole.User, string.Concat(waiting.Select(part => part.Text)).TrimEnd('\n')));
        return result;
    }

    /// <summary>What the template writes for a picture: the difference that a picture part makes, or nothing.</summary>
    private string FindImagePlaceholder()
    {
        if (TryTrial(UserParts(TextPart(Needle))) is not { } without) return "";
        if (TryTrial(UserParts(Dict.Of(("type", "image")), TextPart(Needle))) is not { } with || !Shows(with)) return "";
        int prefix = without.AsSpan().CommonPrefixLength(with), suffix = 0;
        while (suffix < Math.Min(without.Length, with.Length) - prefix && without[^(suffix + 1)] == with[^(suffix + 1)]) suffix++;
        string placeholder = with[prefix..^suffix].Trim();
        return placeholder.Contains(Needle, StringComparison.Ordinal) ? "" : placeholder;
    }

    private string? TryTrial(params List<object?> messages) => TryRender(messages, new ChatRenderOptions());

    private string? TryRender(List<object?> messages, ChatRenderOptions options)
    {
        try
        {
            return RenderValues(messages, options with { Now = DateTime.UnixEpoch });
        }
        catch (ChatTemplateException problem)
        {
            if (!problem.RaisedByTemplate) _firstProblem ??= problem;
            return null;
        }
    }

    /// <summary>True when the needle came out as text, not as part of a printed list.</summary>
    private static bool Shows(string? rendered) => rendered is not null && rendered.Contains(Needle, StringComparison.Ordinal)
        && !rendered.Contains("'type'", StringComparison.Ordinal) && !rendered.Contains("\"type\"", StringComparison.Ordinal);

    private object Content(string text) => _takesText ? text : new List<object?> { TextPart(text) };

    private static Dict User(string text) => Message("user", text);

    private static Dict UserParts(params List<object?> parts) => Message("user", parts);

    private static Dict TextPart(string text) => Dict.Of(("type", "text"), ("text", text));

    private static Dict Message(string role, object content) => Dict.Of(("role", role), ("content", content));

    private static int Count(string text, string part)
    {
        int count = 0;
        for (int i = text.IndexOf(part, StringComparison.Ordinal); i >= 0; i = text.IndexOf(part, i + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }
}
