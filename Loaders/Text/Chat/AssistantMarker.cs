using TinyMllm.Loaders.Text.Chat.ToolForms;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>What a marker in an answer begins or ends.</summary>
internal enum AssistantMarkerKind
{
    /// <summary>Thoughts begin.</summary>
    ThinkingOpener,

    /// <summary>Thoughts end.</summary>
    ThinkingCloser,

    /// <summary>Calls begin behind it.</summary>
    CallOpener,

    /// <summary>A call begins with it.</summary>
    CallBeginning,

    /// <summary>Belongs to nothing.</summary>
    Dropped,
}

/// <summary>A text at which an answer changes from one kind of content to another.</summary>
/// <param name="Kind">What it begins or ends.</param>
/// <param name="Text">The text.</param>
/// <param name="Forms">The forms of calls that begin with it, the likeliest first.</param>
internal sealed record AssistantMarker(AssistantMarkerKind Kind, string Text, params IReadOnlyList<ToolForm> Forms)
{
    /// <summary>Length of the longest end of a text that is a beginning of a marker.</summary>
    public static int HeldBack(string text, IReadOnlyList<AssistantMarker> markers)
    {
        int longest = 0;
        foreach (AssistantMarker marker in markers)
        {
            for (int length = Math.Min(marker.Text.Length - 1, text.Length); length > longest; length--)
            {
                if (!text.AsSpan().EndsWith(marker.Text.AsSpan(0, length))) continue;
                longest = length;
                break;
            }
        }

        return longest;
    }
}
