using System.Text;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Calls as Python writes them, <c>f(a="b", c=1)</c>: a list of them in brackets, a block of lines, or one alone.</summary>
internal sealed class PythonCalls : CallSyntax
{
    /// <summary>Text before a list of calls; empty where each stands alone.</summary>
    public string Opener { get; init; } = "[";

    /// <summary>Text behind a list of calls.</summary>
    public string Closer { get; init; } = "]";

    /// <summary>Text between the calls of a list.</summary>
    public string Separator { get; init; } = ", ";

    /// <summary>Text between the name and the parenthesis.</summary>
    public string Suffix { get; init; } = "";

    /// <inheritdoc/>
    public override bool IsList => Opener.Length > 0;

    /// <inheritdoc/>
    public override ReadState Read(string text, ref int at, bool ended, IReadOnlyList<ChatTool>? tools, List<ChatToolCall> calls)
    {
        var reader = new LiteralReader(text, at, LiteralStyle.Usual);
        if (IsList && !reader.TryTake(Opener.Trim())) return reader.State;
        List<ChatToolCall> read = [];
        do
        {
            if (!reader.TryTakeToolName(tools, out string name) || !reader.TryTake(Suffix + "(")) return reader.State;
            if (!TryArguments(ref reader, tools?.FirstOrDefault(tool => tool.Name == name), out string arguments)) return reader.State;
            read.Add(new ChatToolCall("", name, arguments));
        }
        while (IsList && !reader.TryTake(Closer.Trim()) && reader.State == ReadState.Other && reader.TryTake(Separator.Trim()));

        if (IsList && reader.State != ReadState.Whole) return reader.State;
        calls.AddRange(read);
        at = reader.At;
        return ReadState.Whole;
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<ChatToolCall> calls) => Opener + string.Join(Separator, calls.Select(call =>
        $"{call.Name}{Suffix}({string.Join(", ", Arguments(call).Select(pair => $"{pair.Name}={ValueNotation.Python.Write(pair.Value)}"))})")) + Closer;

    /// <inheritdoc/>
    public override string Rule(CallGrammar grammar, bool several)
    {
        var values = new ValueGrammar(grammar, ValueNotation.Python);
        string call = string.Join(" | ", grammar.Tools.Select((tool, i) =>
        {
            string[] Pairs(bool required) => [.. grammar.Parameters(i).Where(parameter => parameter.Required == required)
                .Select(parameter => $"{CallGrammar.Literal(parameter.Name + "=")} {values.Rule(i, parameter)}")];
            return $"{CallGrammar.Literal(tool.Name + Suffix + "(")} {CallGrammar.Sequence(Pairs(true), Pairs(false), ", ")} \")\"";
        }));
        if (!IsList) return call;
        string one = grammar.Define("python-call", call), more = several ? $"({CallGrammar.Literal(Separator)} {one})*" : "";
        return $"{CallGrammar.Literal(Opener)} {one} {more} {CallGrammar.Literal(Closer)}";
    }

    /// <summary>Arguments and the closing parenthesis; those without a name get the names of the tool's parameters in order.</summary>
    private static bool TryArguments(ref LiteralReader reader, ChatTool? tool, out string json)
    {
        var written = new StringBuilder("{");
        IReadOnlyList<ToolParameter>? parameters = null;
        json = "";
        for (int i = 0; !reader.TryTake(")"); i++)
        {
            if (reader.State == ReadState.Unfinished) return false;
            if (i > 0 && !reader.TryTake(",")) return false;
            if (i > 0 && reader.TryTake(")")) break;
            if (i > 0) written.Append(", ");
            LiteralReader named = reader;
            if (named.TryTakeName(out string name) && named.TryTake("="))
            {
                reader = named;
            }
            else if (named.State == ReadState.Unfinished)
            {
                reader = named;
                return false;
            }
            else
            {
                parameters ??= tool is null ? [] : ToolParameter.Of(tool);
                if (i >= parameters.Count)
                {
                    reader = named;
                    return false;
                }

                name = parameters[i].Name;
            }

            reader.AreNamed = parameters is null;
            if (!reader.TryTakeValue(out string value)) return false;
            written.Append(CallGrammar.JsonString(name)).Append(": ").Append(value);
        }

        json = written.Append('}').ToString();
        return true;
    }
}
