using System.Text;

namespace TinyMllm.Loaders.Text.Chat.BuiltIn;

/// <summary>How a message of one role is written.</summary>
/// <param name="Before">Text in front of the content.</param>
/// <param name="After">Text behind it.</param>
/// <param name="Trim">Strip white space off the content.</param>
internal readonly record struct TurnFormat(string Before, string After, bool Trim = false);

/// <summary>A prompt format described by its pieces, for models whose own template is missing or cannot be read.</summary>
internal sealed record BuiltInFormat
{
    /// <summary>Name, as llama.cpp calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Format of system messages.</summary>
    public required TurnFormat System { get; init; }

    /// <summary>Format of user messages.</summary>
    public required TurnFormat User { get; init; }

    /// <summary>Format of answers.</summary>
    public required TurnFormat Assistant { get; init; }

    /// <summary>What makes the model answer.</summary>
    public string Generation { get; init; } = "";

    /// <summary>Written once, in front.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Written before the message that follows an answer.</summary>
    public string NextTurn { get; init; } = "";

    /// <summary>Written before every message but the first.</summary>
    public string Between { get; init; } = "";

    /// <summary>If set, system texts wait and go, followed by this, before the next content that is not an answer.</summary>
    public string? SystemJoin { get; init; }

    /// <summary>Writes the conversation.</summary>
    public string Render(IReadOnlyList<TurnMessage> messages, bool addGenerationPrompt, string imageMarker)
    {
        var result = new StringBuilder(Prefix);
        string waiting = "";
        TurnRole? last = null;
        foreach (TurnMessage message in messages)
        {
            string content = message.Flatten(imageMarker);
            if (SystemJoin is not null && message.Role == TurnRole.System)
            {
                waiting += (System.Trim ? content.Trim() : content) + SystemJoin;
                continue;
            }

            if (last is not null) result.Append(Between);
            if (last == TurnRole.Assistant) result.Append(NextTurn);
            TurnFormat format = message.Role switch
            {
                TurnRole.System => System,
                TurnRole.Assistant => Assistant,
                _ => User,
            };
            result.Append(format.Before);
            if (message.Role != TurnRole.Assistant)
            {
                result.Append(waiting);
                waiting = "";
            }

            result.Append(format.Trim ? content.Trim() : content).Append(format.After);
            last = message.Role;
        }

        if (addGenerationPrompt) result.Append(Generation);
        return result.ToString();
    }
}
