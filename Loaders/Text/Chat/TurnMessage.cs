namespace TinyMllm.Loaders.Text.Chat;

/// <summary>Who speaks.</summary>
public enum TurnRole
{
    /// <summary>Instructions that stand above the conversation.</summary>
    System,

    /// <summary>The person.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>The result of a tool call.</summary>
    Tool,
}

/// <summary>A piece of a message: a text, or the place of a picture.</summary>
public sealed record ChatPart
{
    private ChatPart(string? text) => Text = text;

    /// <summary>The place of a picture. Pictures are matched to places in order.</summary>
    public static ChatPart Image { get; } = new((string?)null);

    /// <summary>The text; null for a picture.</summary>
    public string? Text { get; }

    /// <summary>True for the place of a picture.</summary>
    public bool IsImage => Text is null;

    /// <summary>A piece of text.</summary>
    public static ChatPart FromText(string text) => new(text ?? throw new ArgumentNullException(nameof(text)));

    /// <summary>A piece of text.</summary>
    public static implicit operator ChatPart(string text) => FromText(text);
}

/// <summary>A call of a tool that the assistant asks for.</summary>
/// <param name="Id">Identifies the call; the result names it.</param>
/// <param name="Name">Name of the tool.</param>
/// <param name="ArgumentsJson">Arguments as a JSON object.</param>
public sealed record ChatToolCall(string Id, string Name, string ArgumentsJson);

/// <summary>A tool that the assistant may call.</summary>
/// <param name="Name">Name of the tool.</param>
/// <param name="Description">What it does.</param>
/// <param name="ParametersJson">JSON schema of its arguments.</param>
public sealed record ChatTool(string Name, string Description, string ParametersJson);

/// <summary>One message of a conversation: a role and its parts in order.</summary>
public sealed record TurnMessage
{
    /// <summary>A message of several parts.</summary>
    public TurnMessage(TurnRole role, params IEnumerable<ChatPart> parts)
    {
        Role = role;
        Parts = [.. parts];
    }

    /// <summary>Who speaks.</summary>
    public TurnRole Role { get; }

    /// <summary>Texts and pictures, in order.</summary>
    public IReadOnlyList<ChatPart> Parts { get; internal init; }

    /// <summary>Tool calls of an assistant's message.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    /// <summary>What the assistant thought before it answered, if the model keeps that apart.</summary>
    public string? Reasoning { get; init; }

    /// <summary>For a tool's message: the call it answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>For a tool's message: the tool's name.</summary>
    public string? ToolName { get; init; }

    /// <summary>A system message.</summary>
    public static TurnMessage System(string text) => new(TurnRole.System, text);

    /// <summary>A user's message of texts and pictures.</summary>
    public static TurnMessage User(params IEnumerable<ChatPart> parts) => new(TurnRole.User, parts);

    /// <summary>An answer.</summary>
    public static TurnMessage Assistant(string text) => new(TurnRole.Assistant, text);

    /// <summary>The message with other words: whatever a user or a tool may have written, but the JSON of tool calls.</summary>
    internal TurnMessage Rewrite(Func<string, string> rewrite)
    {
        string? Optional(string? text) => text is null ? null : rewrite(text);
        return new TurnMessage(Role, Parts.Select(part => part.Text is { } text ? ChatPart.FromText(rewrite(text)) : part))
        {
            ToolCalls = ToolCalls, Reasoning = Optional(Reasoning), ToolCallId = Optional(ToolCallId), ToolName = Optional(ToolName),
        };
    }

    /// <summary>
    /// All parts as one text: texts that follow each other are put on lines of their own, a picture becomes the marker without anything
    /// around it.
    /// </summary>
    internal string Flatten(string imageMarker)
    {
        var result = new global::System.Text.StringBuilder();
        bool afterText = false;
        foreach (ChatPart part in Parts)
        {
            if (afterText && !part.IsImage) result.Append('\n');
            result.Append(part.Text ?? imageMarker);
            afterText = !part.IsImage;
        }

        return result.ToString();
    }
}
