using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>What became of an attempt to read something from an answer of which only a beginning may be there.</summary>
internal enum ReadState
{
    /// <summary>It is there, whole.</summary>
    Whole,

    /// <summary>So far it could be it, but the text ends.</summary>
    Unfinished,

    /// <summary>Something else is there.</summary>
    Other,
}

/// <summary>A notation for a call: the name of a tool and its arguments.</summary>
internal abstract class CallSyntax
{
    /// <summary>Whether several calls are one list in brackets, read and written as a whole.</summary>
    public virtual bool IsList => false;

    /// <summary>Reads one call, or a whole list of calls.</summary>
    /// <param name="text">The answer so far.</param>
    /// <param name="at">Where to read; behind the call if it is whole.</param>
    /// <param name="ended">Whether the answer has ended, so that what may still follow a call does not.</param>
    /// <param name="tools">The tools that were offered; null if they are not known.</param>
    /// <param name="calls">Receives the calls, with an empty <see cref="ChatToolCall.Id"/> if they have none.</param>
    public abstract ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls);

    /// <summary>Writes calls as the family's template does: one, or a whole list.</summary>
    public abstract string Write(IReadOnlyList<ChatToolCall> calls);

    /// <summary>The arguments of a call, in order; none if they are no JSON object.</summary>
    protected static IEnumerable<JsonProperty> Arguments(ChatToolCall call)
    {
        var arguments = JsonElement.Parse(call.ArgumentsJson);
        return arguments.ValueKind == JsonValueKind.Object ? arguments.EnumerateObject() : [];
    }

    /// <summary>The body of a GBNF rule that matches one call, or a list of calls.</summary>
    /// <param name="grammar">Knows the tools and takes further rules.</param>
    /// <param name="several">Whether a list may have more than one call.</param>
    public abstract string Rule(CallGrammar grammar, bool several);
}

/// <summary>In what a notation for values differs from JSON and Python, both of which are read anyway.</summary>
/// <param name="Quote">A text that stands before and behind strings, which then have no escapes; empty for ' and ".</param>
/// <param name="BareKeys">Whether keys of objects may come without quotes.</param>
internal sealed record LiteralStyle(string Quote = "", bool BareKeys = false)
{
    /// <summary>JSON and Python.</summary>
    public static LiteralStyle Usual { get; } = new();
}
