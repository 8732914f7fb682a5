namespace TinyMllm.Loaders.Text.Chat.Trials;

/// <summary>What a template understands of a plain conversation.</summary>
/// <param name="TakesText">Whether content may be a text; otherwise it is a list of parts.</param>
/// <param name="ImagePlaceholder">What the template writes for a picture; empty if it writes nothing.</param>
/// <param name="SystemRole">Whether system messages are written.</param>
/// <param name="Problem">What went wrong with the simplest conversation; null if it was written.</param>
internal sealed record TemplateAbilities(bool TakesText, string ImagePlaceholder, bool SystemRole, ChatTemplateException? Problem);

/// <summary>What a template understands of tools.</summary>
/// <param name="Offer">How it wants to be told of tools.</param>
/// <param name="Calls">Whether it writes the calls of earlier turns.</param>
/// <param name="SeveralCalls">Whether it writes more than one call in a turn.</param>
/// <param name="ArgumentsAsText">Whether it wants the arguments of a call as the text of a JSON object; otherwise as an object.</param>
/// <param name="EmptyContent">What it wants as the content of a turn that only calls.</param>
/// <param name="Results">Whether it writes messages of the role <c>tool</c>.</param>
internal sealed record ToolAbilities(
    ToolOffer Offer, bool Calls, bool SeveralCalls, bool ArgumentsAsText, EmptyContent EmptyContent, bool Results)
{
    /// <summary>Of a template that knows nothing of tools.</summary>
    public static ToolAbilities None { get; } = new(
        ToolOffer.None, Calls: false, SeveralCalls: false, ArgumentsAsText: false, EmptyContent.Text, Results: false);
}

/// <summary>How a template wants to be told of tools.</summary>
internal enum ToolOffer
{
    /// <summary>It knows none.</summary>
    None,

    /// <summary>As the variable <c>tools</c>.</summary>
    Variable,

    /// <summary>As a text of JSON, under the key <c>tools</c> of the system message.</summary>
    SystemKey,
}

/// <summary>What stands for the content of a turn that has none.</summary>
internal enum EmptyContent
{
    /// <summary>An empty text.</summary>
    Text,

    /// <summary>None.</summary>
    None,

    /// <summary>No key at all.</summary>
    Absent,
}
