using System.Text.Json;
using TinyMllm.Loaders.Text.Chat.ToolForms;
using TinyMllm.Loaders.Text.Chat.Trials;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>Changes conversations with tools into ones that a template can write: what it has no place for becomes words.</summary>
/// <param name="abilities">What the template understands.</param>
/// <param name="form">How the model writes calls.</param>
/// <param name="guard">Guards the words of tools and calls; null leaves them as they are.</param>
internal sealed class ToolHistory(ToolAbilities abilities, ToolForm form, TextGuard? guard)
{
    private const string ResultOpener = "<tool_response>\n", ResultCloser = "\n</tool_response>";

    /// <summary>The conversation as the template can write it.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="tools">The tools that are offered.</param>
    public IReadOnlyList<TurnMessage> Adapt(IReadOnlyList<TurnMessage> messages, IReadOnlyList<ChatTool> tools)
    {
        List<TurnMessage> result = [.. WithToolNames(messages)];
        if (!abilities.SeveralCalls && abilities.Calls) result = OneCallATurn(result);
        if (!abilities.Calls) result = result.ConvertAll(CallsAsWords);
        if (!abilities.Results) result = ResultsAsWords(result);
        if (tools.Count > 0 && abilities.Offer == ToolOffer.None) result = WithSystemText(result, Describe(tools));
        return result;
    }

    /// <summary>The tools as JSON, a line each.</summary>
    public string ToolLines(IReadOnlyList<ChatTool> tools) => string.Join('\n', tools.Select(tool => Protect(
        $"{{\"name\": {GbnfText.JsonString(tool.Name)}, \"description\": {GbnfText.JsonString(tool.Description)}, "
        + $"\"parameters\": {Compact(tool.ParametersJson, $"parameters of tool '{tool.Name}'")}}}")));

    /// <summary>The same list as one JSON text.</summary>
    public string ToolList(IReadOnlyList<ChatTool> tools) => $"[{ToolLines(tools).Replace("\n", ", ", StringComparison.Ordinal)}]";

    /// <summary>Gives tool results the names of the tools that were called, which some templates write.</summary>
    private IEnumerable<TurnMessage> WithToolNames(IReadOnlyList<TurnMessage> messages)
    {
        Dictionary<string, string> names = [];
        foreach (TurnMessage message in messages)
        {
            foreach (ChatToolCall call in message.ToolCalls) names[call.Id] = call.Name;
            yield return message is { Role: TurnRole.Tool, ToolName: null, ToolCallId: { } id } && names.TryGetValue(id, out string? name)
                ? message with { ToolName = Protect(name) } : message;
        }
    }

    /// <summary>Spreads calls over turns of their own, each followed by its result.</summary>
    private static List<TurnMessage> OneCallATurn(List<TurnMessage> messages)
    {
        List<TurnMessage> result = [];
        for (int i = 0; i < messages.Count; i++)
        {
            TurnMessage message = messages[i];
            if (message.ToolCalls.Count < 2)
            {
                result.Add(message);
                continue;
            }

            List<TurnMessage> answers = [.. messages.Skip(i + 1).TakeWhile(next => next.Role == TurnRole.Tool)];
            i += answers.Count;
            for (int call = 0; call < message.ToolCalls.Count; call++)
            {
                ChatToolCall one = message.ToolCalls[call];
                result.Add((call == 0 ? message : new TurnMessage(TurnRole.Assistant, "")) with { ToolCalls = [one] });
                if (answers.Find(answer => answer.ToolCallId == one.Id) is not { } answer) continue;
                result.Add(answer);
                answers.Remove(answer);
            }

            result.AddRange(answers);
        }

        return result;
    }

    private TurnMessage CallsAsWords(TurnMessage message)
    {
        if (message.ToolCalls.Count == 0) return message;
        string words = form.Write([.. message.ToolCalls.Select(call =>
            call with { Name = Protect(call.Name),
                ArgumentsJson = Protect(Compact(call.ArgumentsJson, $"arguments of tool call '{call.Name}'")) })]);
        if (guard is not null) words = words.Replace(@"\uFDD0", $"{GuardedText.Mark}", StringComparison.Ordinal);
        bool empty = message.Parts.All(part => part.Text is { Length: 0 });
        return message with { Parts = empty ? [words] : Joined([.. message.Parts, "\n" + words]), ToolCalls = [] };
    }

    private static List<TurnMessage> ResultsAsWords(List<TurnMessage> messages)
    {
        List<TurnMessage> result = [];
        bool joins = false;
        foreach (TurnMessage message in messages)
        {
            bool isResult = message.Role == TurnRole.Tool;
            TurnMessage words = isResult ? new TurnMessage(TurnRole.User, Joined([ResultOpener, .. message.Parts, ResultCloser])) : message;

            // Results are the user's words, who then must not speak twice in a row: many templates refuse that.
            if (joins && words.Role == TurnRole.User)
                result[^1] = new TurnMessage(TurnRole.User, Joined([.. result[^1].Parts, "\n", .. words.Parts]));
            else result.Add(words);
            joins = isResult;
        }

        return result;
    }

    /// <summary>Texts that follow each other as one, without a line break between them.</summary>
    private static List<ChatPart> Joined(IEnumerable<ChatPart> parts)
    {
        List<ChatPart> result = [];
        foreach (ChatPart part in parts)
        {
            if (part.Text is { } text && result is [.., { Text: { } before }]) result[^1] = before + text;
            else result.Add(part);
        }

        return result;
    }

    private static List<TurnMessage> WithSystemText(List<TurnMessage> messages, string text) =>
        messages is [{ Role: TurnRole.System } system, .. var rest]
        ? [system with { Parts = [.. Joined([.. system.Parts, "\n\n" + text])] }, .. rest]
        : [TurnMessage.System(text), .. messages];

    private string Describe(IReadOnlyList<ChatTool> tools)
    {
        string example = form == KnownToolForms.Generic
            ? form.Openers[0] + form.Margin
                + """{"name": <function-name>, "arguments": <arguments-as-an-object>}""" + form.Margin + form.Closer
            : form.Write([new ChatToolCall("", "function-name", """{"argument-name": "argument-value"}""")]);
        string result = abilities.Results ? "Its result comes back in the next message." : "Its result comes back in <tool_response> tags.";
        return "# Tools\n\nYou may call functions. Each line between the tags describes one, with the JSON schema of its arguments:\n"
            + $"<tools>\n{ToolLines(tools)}\n</tools>\n\n"
            + $"To call one, answer with its name and its arguments between these tags, and nothing else:\n{example}\n{result}";
    }

    private string Protect(string text) => guard is null ? text : guard.Protect(text);

    /// <summary>JSON without needless escapes, so that everything in it that must be guarded can be seen.</summary>
    private static string Compact(string json, string what)
    {
        try
        {
            return GbnfText.CompactJson(JsonElement.Parse(json));
        }
        catch (JsonException problem)
        {
            throw new ChatTemplateException(0, $"{what}: not JSON ({problem.Message})");
        }
    }
}
