using System.Text;

namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>
/// How a family of models writes tool calls. Forms are data: each lies in a file of its own under <c>Forms</c>, and
/// <see cref="KnownToolForms"/> lists them. An answer has <c>opener, call, call …, closer</c>; white space between them does not matter
/// when it is read, and is as the templates have it when a grammar writes it.
/// </summary>
internal sealed record ToolForm
{
    /// <summary>Name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>How a template shows that it has this form: it contains all the texts of one of these lists.</summary>
    public required string[][] Signs { get; init; }

    /// <summary>
    /// Texts with which calls begin; the first is what the model was trained to write. The empty text means that a call may stand bare, and
    /// then only at the start of the answer.
    /// </summary>
    public required string[] Openers { get; init; }

    /// <summary>Texts that begin a call without an opener, and are part of it: some models forget the opener.</summary>
    public string[] Beginnings { get; init; } = [];

    /// <summary>Text with which calls end; empty where the end of the turn ends them.</summary>
    public string Closer { get; init; } = "";

    /// <summary>White space that the template writes between the opener and a call, and between a call and the closer.</summary>
    public string Margin { get; init; } = "";

    /// <summary>What stands between calls when <see cref="RepeatsOpener"/> is false.</summary>
    public string Separator { get; init; } = "";

    /// <summary>Whether each call has an opener and a closer of its own; what stands between them is <see cref="Separator"/>.</summary>
    public bool RepeatsOpener { get; init; }

    /// <summary>For forms in which plain answers are marked as well: what stands before those.</summary>
    public string? TextOpener { get; init; }

    /// <summary>Whether its marks are so ordinary that it is looked for only where the template shows it.</summary>
    public bool OnlyIfShown { get; init; }

    /// <summary>How a call is written.</summary>
    public required CallSyntax Syntax { get; init; }

    /// <summary>Whether a template, or the special tokens beside it, show this form.</summary>
    public bool IsShownBy(string template) =>
        Array.Exists(Signs, sign => Array.TrueForAll(sign, part => template.Contains(part, StringComparison.Ordinal)));

    /// <summary>
    /// Calls as the family's template writes them, for templates that know tools but forget to write the calls of earlier turns.
    /// </summary>
    public string Write(IReadOnlyList<ChatToolCall> calls)
    {
        string opener = Openers[0], open = opener.Length > 0 ? opener + Margin : "",
            close = opener.Length > 0 && Closer.Length > 0 ? Margin + Closer : "";
        if (Syntax.IsList) return open + Syntax.Write(calls) + close;
        IEnumerable<string> each = calls.Select(call => Syntax.Write([call]));
        return RepeatsOpener ? string.Join(Separator, each.Select(call => open + call + close))
            : open + string.Join(Separator, each) + close;
    }

    /// <summary>
    /// A grammar (GBNF) of an answer that calls tools and says nothing else: rule <c>root</c>, which is rule <c>calls</c>. It writes the
    /// calls as the family's template does.
    /// </summary>
    /// <param name="tools">The tools that may be called; at least one.</param>
    /// <param name="several">Whether more than one call may be made.</param>
    public string Grammar(IReadOnlyList<ChatTool> tools, bool several = false)
    {
        var grammar = new CallGrammar(tools);
        string open = CallGrammar.Literal(Openers[0] + (Openers[0].Length > 0 ? Margin : ""));
        string close = CallGrammar.Literal(Closer.Length > 0 && open.Length > 0 ? Margin + Closer : "");
        string call = grammar.Define("call", Syntax.Rule(grammar, several));
        string separator = CallGrammar.Literal(Separator);
        string calls = (several && !Syntax.IsList, RepeatsOpener) switch
        {
            (false, _) => $"{open} {call} {close}",
            (true, true) => $"{open} {call} {close} ({separator} {open} {call} {close})*",
            (true, false) => $"{open} {call} ({separator} {call})* {close}",
        };
        return new StringBuilder("root ::= calls\n").Append("calls ::= ").Append(calls).Append('\n').Append(grammar).ToString();
    }
}
