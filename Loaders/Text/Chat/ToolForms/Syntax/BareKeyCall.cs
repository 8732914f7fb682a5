namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Gemma's notation: <c>call:f{key:&lt;quote&gt;text&lt;quote&gt;,other:1}</c>, where a special token is the quote.</summary>
internal sealed class BareKeyCall : CallSyntax
{
    private const string Before = "call:";

    /// <summary>What stands before and behind strings.</summary>
    public required string Quote { get; init; }

    /// <inheritdoc/>
    public override ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls)
    {
        var reader = new LiteralReader(text, at, new LiteralStyle(Quote, BareKeys: true));
        if (!reader.TryTake(Before) || !reader.TryTakeToolName(tools, out string name)
            || !reader.TryTakeObject(out string arguments))
        {
            return reader.State;
        }

        calls.Add(new ChatToolCall("", name, arguments));
        at = reader.At;
        return ReadState.Whole;
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<ChatToolCall> calls)
    {
        var notation = ValueNotation.BareKeys(Quote);
        return string.Concat(calls.Select(call =>
            $"{Before}{call.Name}{{{string.Join(',', Arguments(call).Select(pair => $"{pair.Name}:{notation.Write(pair.Value)}"))}}}"));
    }

    /// <inheritdoc/>
    public override string Rule(CallGrammar grammar, bool several)
    {
        var values = new ValueGrammar(grammar, ValueNotation.BareKeys(Quote));
        return string.Join(" | ", grammar.Tools.Select((tool, i) =>
        {
            string[] Pairs(bool required) => [.. grammar.Parameters(i).Where(parameter => parameter.Required == required)
                .Select(parameter => $"{CallGrammar.Literal(parameter.Name + ":")} {values.Rule(i, parameter)}")];
            return $"{CallGrammar.Literal(Before + tool.Name + "{")} {CallGrammar.Sequence(Pairs(true), Pairs(false), ",")} \"}}\"";
        }));
    }
}
