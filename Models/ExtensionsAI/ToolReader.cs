using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.ExtensionsAI;

/// <summary>Which tools a request offers.</summary>
/// <param name="Tools">The tools that may be called.</param>
/// <param name="Required">Whether one of them must be.</param>
/// <param name="Several">Whether one answer may call more than one.</param>
internal sealed record ToolChoice(IReadOnlyList<ChatTool> Tools, bool Required, bool Several);

/// <summary>Reads the tools of a request.</summary>
internal static class ToolReader
{
    /// <summary>Reads them.</summary>
    /// <exception cref="ArgumentException">Two tools have one name, or one is required that is not offered.</exception>
    /// <exception cref="NotSupportedException">A tool is no function.</exception>
    public static ToolChoice Read(ChatOptions? options)
    {
        bool several = options?.AllowMultipleToolCalls ?? true;
        List<ChatTool> tools = [];
        foreach (AITool? tool in options?.Tools ?? [])
        {
            if (tool is not AIFunctionDeclaration function)
                throw new NotSupportedException($"ChatOptions.Tools: {tool?.GetType().Name ?? "null"} is not a function, and there is nobody here who runs it");
            if (tools.Exists(known => known.Name == function.Name)) throw new ArgumentException($"ChatOptions.Tools has two tools '{function.Name}'");
            tools.Add(new ChatTool(function.Name, function.Description, function.JsonSchema.GetRawText()));
        }

        return options?.ToolMode switch
        {
            null or AutoChatToolMode => new ToolChoice(tools, Required: false, several),
            NoneChatToolMode => new ToolChoice([], Required: false, several),
            RequiredChatToolMode { RequiredFunctionName: { } name } => new ToolChoice(
                [tools.Find(tool => tool.Name == name) ?? throw new ArgumentException($"ChatOptions.ToolMode requires the tool '{name}', which is not among ChatOptions.Tools")],
                Required: true, several),
            RequiredChatToolMode when tools.Count == 0 => throw new ArgumentException("ChatOptions.ToolMode requires a tool, but ChatOptions.Tools has none"),
            RequiredChatToolMode => new ToolChoice(tools, Required: true, several),
            var other => throw new NotSupportedException($"ChatOptions.ToolMode: {other.GetType().Name} is not known"),
        };
    }
}
