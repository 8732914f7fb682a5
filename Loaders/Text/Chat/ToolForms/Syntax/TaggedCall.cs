using System.Text;
using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// A call in tags, each argument in tags of its own: <c>&lt;function=f&gt;&lt;parameter=a&gt;value&lt;/parameter&gt;&lt;/function&gt;</c>.
/// Texts come without quotes or escapes, so that the tool's schema has to say what a value is.
/// </summary>
internal sealed class TaggedCall : CallSyntax
{
    private const string CDataOpen = "<![CDATA[", CDataClose = "]]>";

    /// <summary>Text before the name.</summary>
    public string Before { get; init; } = "";

    /// <summary>Text behind the name.</summary>
    public required string AfterName { get; init; }

    /// <summary>Text before the name of an argument.</summary>
    public required string KeyOpener { get; init; }

    /// <summary>Text between the name of an argument and its value.</summary>
    public required string KeyCloser { get; init; }

    /// <summary>Text behind a value.</summary>
    public required string ValueCloser { get; init; }

    /// <summary>Text behind the last argument.</summary>
    public required string After { get; init; }

    /// <summary>What the template writes before and behind each value: a line break, or nothing.</summary>
    public string ValueMargin { get; init; } = "";

    /// <summary>What the template writes behind the name and behind each argument.</summary>
    public string Margin { get; init; } = "";

    /// <inheritdoc/>
    public override ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls)
    {
        var reader = new LiteralReader(text, at, LiteralStyle.Usual);
        if (Before.Length > 0 && !reader.TryTake(Before)) return reader.State;
        if (!reader.TryTakeToolName(tools, out string name)) return reader.State;
        if (AfterName.Trim().Length > 0 && !reader.TryTake(AfterName)) return reader.State;
        IReadOnlyList<ToolParameter> parameters =
            tools?.FirstOrDefault(tool => tool.Name == name) is { } tool ? ToolParameter.Of(tool) : [];
        var json = new StringBuilder("{");
        while (reader.TryTake(KeyOpener))
        {
            if (!reader.TryTakeUntil(KeyCloser[..1], out string key) || !TakeAll(ref reader, KeyCloser)) return reader.State;
            if (!TryValue(text, ref reader, out string value)) return reader.State;
            if (json.Length > 1) json.Append(", ");
            key = key.Trim();
            json.Append(CallGrammar.JsonString(key)).Append(": ")
                .Append(ToJson(value, parameters.FirstOrDefault(parameter => parameter.Name == key)));
        }

        if (reader.State == ReadState.Unfinished || !reader.TryTake(After)) return reader.State;
        calls.Add(new ChatToolCall("", name, json.Append('}').ToString()));
        at = reader.At;
        return ReadState.Whole;
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<ChatToolCall> calls)
    {
        var notation = ValueNotation.Tagged(ValueCloser);
        return string.Concat(calls.Select(call => Before + call.Name + AfterName + Margin + string.Concat(Arguments(call).Select(pair =>
            KeyOpener + pair.Name + KeyCloser + ValueMargin + notation.Write(pair.Value) + ValueMargin + ValueCloser + Margin)) + After));
    }

    /// <inheritdoc/>
    public override string Rule(CallGrammar grammar, bool several)
    {
        var values = new ValueGrammar(grammar, ValueNotation.Tagged(ValueCloser));
        return string.Join(" | ", grammar.Tools.Select((tool, i) => CallGrammar.Literal(Before + tool.Name + AfterName + Margin) + " "
            + string.Join(' ', grammar.Parameters(i).Select(parameter =>
            {
                string pair = $"{CallGrammar.Literal(KeyOpener + parameter.Name + KeyCloser + ValueMargin)} {values.Rule(i, parameter)} "
                    + CallGrammar.Literal(ValueMargin + ValueCloser + Margin);
                return parameter.Required ? pair : $"({pair})?";
            })) + " " + CallGrammar.Literal(After)));
    }

    /// <summary>Takes a text of several tags, between which there may be white space.</summary>
    private static bool TakeAll(ref LiteralReader reader, string tags)
    {
        foreach (string tag in tags.Split('\n'))
        {
            if (!reader.TryTake(tag)) return false;
        }

        return true;
    }

    /// <summary>
    /// The value up to its closer. A value may spell out the closer itself: it ends where another argument, or the end, follows.
    /// </summary>
    private bool TryValue(string text, ref LiteralReader reader, out string value)
    {
        int start = reader.At;
        LiteralReader end = reader;
        while (end.TryTakeUntil(ValueCloser, out _))
        {
            int stop = end.At;
            end.TryTake(ValueCloser);
            LiteralReader next = end;
            bool follows = next.TryTake(KeyOpener) || next.State == ReadState.Unfinished
                || next.TryTake(After) || next.State == ReadState.Unfinished;
            if (!follows) continue;
            reader = end;
            value = text[start..stop];
            return true;
        }

        reader = end;
        value = "";
        return false;
    }

    private static string ToJson(string value, ToolParameter? parameter)
    {
        if (value.StartsWith('\n')) value = value[1..];
        if (value.EndsWith('\n')) value = value[..^1];
        string trimmed = value.Trim();
        if (trimmed.StartsWith(CDataOpen, StringComparison.Ordinal) && trimmed.EndsWith(CDataClose, StringComparison.Ordinal))
            return CallGrammar.JsonString(trimmed[CDataOpen.Length..^CDataClose.Length]);
        bool isText = parameter?.Allows(JsonValueKind.String) ?? false;
        bool nothing = trimmed is "null" or "None" && (parameter?.Allows(JsonValueKind.Null) ?? true);
        if (isText && !nothing) return CallGrammar.JsonString(value);
        // The blank lets a number or word end.
        var reader = new LiteralReader(trimmed + " ", 0, LiteralStyle.Usual);
        return reader.TryTakeValue(out string json) && reader.At == trimmed.Length ? json : CallGrammar.JsonString(value);
    }
}
