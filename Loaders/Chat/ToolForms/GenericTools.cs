using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Grammars.JsonSchema;
using TinyMllm.Loaders.Tokenizers;

namespace TinyMllm.Loaders.Chat.ToolForms;

/// <summary>
/// Tells a model of tools whose template has no place for them: in words, behind the system's. Calls and their results in the conversation
/// become words as well. The model is asked to answer in the form <see cref="KnownToolForms.Generic"/>.
/// </summary>
internal static class GenericTools
{
    private const string CallOpener = "<tool_call>\n", CallCloser = "\n</tool_call>", ResultOpener = "<tool_response>\n", ResultCloser = "\n</tool_response>";

    /// <summary>Puts tools, calls and results into words.</summary>
    /// <param name="messages">The conversation, guarded already if it should be.</param>
    /// <param name="tools">The tools that are offered; none leaves only what was said of others before.</param>
    /// <param name="guard">Guards the words of tools and of their calls; null leaves them as they are.</param>
    public static IReadOnlyList<ChatMessage> Write(IReadOnlyList<ChatMessage> messages, IReadOnlyList<ChatTool> tools, TextGuard? guard)
    {
        string Guarded(string text) => guard is null ? text : guard.Protect(text);
        List<ChatMessage> written = [];
        bool afterResult = false;
        foreach (ChatMessage message in messages)
        {
            bool result = message.Role == ChatRole.Tool;
            ChatMessage words = result ? new ChatMessage(ChatRole.User, Between(ResultOpener, message.Parts, ResultCloser))
                : message.ToolCalls.Count > 0 ? WithCalls(message, Guarded) : message;

            // Results are the user's words, who then must not speak twice in a row: many templates refuse that.
            if (afterResult && words.Role == ChatRole.User) written[^1] = new ChatMessage(ChatRole.User, Join([.. written[^1].Parts, "\n", .. words.Parts]));
            else written.Add(words);
            afterResult = result;
        }

        if (tools.Count == 0) return written;
        string offer = Offer(tools, Guarded);
        if (written is [{ Role: ChatRole.System } system, ..]) written[0] = new ChatMessage(ChatRole.System, Join([.. system.Parts, "\n\n" + offer]));
        else written.Insert(0, ChatMessage.System(offer));
        return written;
    }

    private static string Offer(IReadOnlyList<ChatTool> tools, Func<string, string> guarded)
    {
        var text = new StringBuilder("# Tools\n\nYou may call functions. Each line between the tags describes one, with the JSON schema of its arguments:\n<tools>\n");
        foreach (ChatTool tool in tools)
        {
            text.Append(guarded($"{{\"name\": {GbnfText.JsonString(tool.Name)}, \"description\": {GbnfText.JsonString(tool.Description)}, "
                + $"\"parameters\": {Compact(tool)}}}")).Append('\n');
        }

        return text.Append("</tools>\n\nTo call one, answer with its name and its arguments between these tags, and nothing else:\n")
            .Append(CallOpener).Append("""{"name": <function-name>, "arguments": <arguments-as-an-object>}""").Append(CallCloser)
            .Append("\nIts result comes back in <tool_response> tags.").ToString();
    }

    private static string Compact(ChatTool tool)
    {
        try
        {
            return GbnfText.CompactJson(JsonElement.Parse(tool.ParametersJson));
        }
        catch (JsonException problem)
        {
            throw new ChatTemplateException(0, $"parameters of tool '{tool.Name}': not JSON ({problem.Message})");
        }
    }

    private static ChatMessage WithCalls(ChatMessage message, Func<string, string> guarded)
    {
        List<ChatPart> parts = [.. message.Parts];
        foreach (ChatToolCall call in message.ToolCalls)
        {
            bool first = parts.TrueForAll(part => part.Text is "");
            parts.Add((first ? "" : "\n") + CallOpener + guarded($"{{\"name\": {GbnfText.JsonString(call.Name)}, \"arguments\": {call.ArgumentsJson}}}") + CallCloser);
        }

        return new ChatMessage(message.Role, Join(parts)) { Reasoning = message.Reasoning };
    }

    private static IEnumerable<ChatPart> Between(string before, IReadOnlyList<ChatPart> parts, string after) => Join([before, .. parts, after]);

    /// <summary>Neighbouring texts as one: templates write parts with and without line breaks between them.</summary>
    private static List<ChatPart> Join(IEnumerable<ChatPart> parts)
    {
        List<ChatPart> joined = [];
        foreach (ChatPart part in parts)
        {
            if (joined is [.., { Text: { } last }] && part.Text is { } more) joined[^1] = last + more;
            else joined.Add(part);
        }

        return joined;
    }
}
