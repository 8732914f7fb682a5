namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// A call, or a list of calls, as JSON: <c>{"name": …, "arguments": {…}}</c>. All the keys that families use are read; the grammar writes
/// those given here.
/// </summary>
internal sealed class JsonCalls : CallSyntax
{
    /// <summary>Keys with which the JSON of a call begins.</summary>
    private static readonly string[] FirstKeys = ["name", "type", "function", "id", "arguments", "parameters", "tool_name", "tool_call_id"];

    /// <summary>Key of the arguments.</summary>
    public string ArgumentsKey { get; init; } = "arguments";

    /// <summary>Whether calls are written as a list.</summary>
    public bool List { get; init; }

    /// <summary>Whether arguments must be there, even if empty: where a call stands bare, a name alone says little.</summary>
    public bool NeedsArguments { get; init; }

    /// <inheritdoc/>
    public override bool IsList => List;

    /// <inheritdoc/>
    public override ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls)
    {
        ReadState beginning = ReadBeginning(text, at);
        if (beginning != ReadState.Whole) return beginning;
        var reader = new LiteralReader(text, at, LiteralStyle.Usual);
        if (!reader.TryTakeValue(out string json)) return reader.State;
        if (!ToolCallJson.TryRead(json, calls, NeedsArguments)) return ReadState.Other;
        at = reader.At;
        return ReadState.Whole;
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<ChatToolCall> calls)
    {
        string all = string.Join(", ", calls.Select(call =>
            $"{{\"name\": {CallGrammar.JsonString(call.Name)}, \"{ArgumentsKey}\": {call.ArgumentsJson}}}"));
        return List ? $"[{all}]" : all;
    }

    /// <inheritdoc/>
    public override string Rule(CallGrammar grammar, bool several)
    {
        string call = string.Join(" | ", grammar.Tools.Select((tool, i) =>
            $"{CallGrammar.Literal($"{{\"name\": {CallGrammar.JsonString(tool.Name)}, \"{ArgumentsKey}\": ")} {grammar.JsonArguments(i)} \"}}\""));
        if (!List) return call;
        string one = grammar.Define("json-call", call);
        return several ? $"\"[\" {one} (\", \" {one})* \"]\"" : $"\"[\" {one} \"]\"";
    }

    /// <summary>Whether a list or object begins here that may be a call; other JSON is let go at its first key.</summary>
    private static ReadState ReadBeginning(string text, int at)
    {
        var reader = new LiteralReader(text, at, LiteralStyle.Usual);
        if (!reader.TryTakeOptional("[")) return ReadState.Unfinished;
        if (!reader.TryTake("{")) return reader.State;
        ReadState state = ReadState.Other;
        foreach (string key in FirstKeys)
        {
            foreach (char quote in "\"'")
            {
                LiteralReader first = reader;
                if (first.TryTake($"{quote}{key}{quote}")) return ReadState.Whole;
                if (first.State == ReadState.Unfinished) state = ReadState.Unfinished;
            }
        }

        return state;
    }
}
