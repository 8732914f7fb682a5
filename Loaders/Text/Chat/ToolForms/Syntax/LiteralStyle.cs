namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>In what a notation for values differs from JSON and Python, both of which are read anyway.</summary>
/// <param name="Quote">A text that stands before and behind strings, which then have no escapes; empty for ' and ".</param>
/// <param name="BareKeys">Whether keys of objects may come without quotes.</param>
internal sealed record LiteralStyle(string Quote = "", bool BareKeys = false)
{
    /// <summary>JSON and Python.</summary>
    public static LiteralStyle Usual { get; } = new();
}
