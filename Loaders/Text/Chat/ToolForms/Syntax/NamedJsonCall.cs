namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>A tool's name followed by its arguments as a JSON object, with fixed texts around both.</summary>
internal sealed class NamedJsonCall : CallSyntax
{
    /// <summary>Text before the name.</summary>
    public string Before { get; init; } = "";

    /// <summary>Text between the name and the arguments.</summary>
    public string Between { get; init; } = "";

    /// <summary>Text between the name and an id, for families that may write one.</summary>
    public string IdOpener { get; init; } = "";

    /// <summary>Texts behind the arguments, any of which a model may forget.</summary>
    public string[] After { get; init; } = [];

    /// <summary>Whether a colon and the number of the call may follow the name; text and number together are the call's id.</summary>
    public bool Numbered { get; init; }

    /// <inheritdoc/>
    public override ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls)
    {
        var reader = new LiteralReader(text, at, LiteralStyle.Usual);
        if (Before.Length > 0 && !reader.TryTake(Before.Trim())) return reader.State;
        if (!reader.TryTakeToolName(tools, out string name)) return reader.State;
        string id = "";
        if (Numbered)
        {
            if (!reader.TryTake(":") || !reader.TryTakeName(out string number)) return reader.State;
            id = $"{Before[(Before.LastIndexOf('>') + 1)..]}{name}:{number}";
        }
        else if (IdOpener.Length > 0)
        {
            int before = reader.At;
            if (!reader.TryTakeOptional(IdOpener)) return ReadState.Unfinished;
            if (reader.At > before && !reader.TryTakeName(out id)) return reader.State;
        }

        // Models leave out what stands between now and then; the brace says it as well.
        if (Between.Trim().Length > 0 && !reader.TryTakeOptional(Between.Trim())) return ReadState.Unfinished;
        if (!reader.TryTakeObject(out string arguments)) return reader.State;
        foreach (string end in After)
        {
            if (!reader.TryTakeOptional(end.Trim()) && !ended) return ReadState.Unfinished;
        }

        calls.Add(new ChatToolCall(id, name, arguments));
        at = reader.At;
        return ReadState.Whole;
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<ChatToolCall> calls) => string.Concat(calls.Select(call =>
    {
        string digits = call.Id[(call.Id.AsSpan().LastIndexOfAnyExceptInRange('0', '9') + 1)..].TrimStart('0');
        string number = !Numbered ? "" : digits.Length == 0 ? ":0" : ":" + digits;
        return $"{Before}{call.Name}{number}{Between}{call.ArgumentsJson}{string.Concat(After)}";
    }));

    /// <inheritdoc/>
    public override string Rule(CallGrammar grammar, bool several) => string.Join(" | ", grammar.Tools.Select((tool, i) =>
        $"{CallGrammar.Literal(Before + tool.Name)} {(Numbered ? "\":\" [0-9]" : "")} {CallGrammar.Literal(Between)} {grammar.JsonArguments(i)} {CallGrammar.Literal(string.Concat(After))}"));
}
