using Microsoft.Extensions.AI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.ExtensionsAI;

/// <summary>What a chat client's request asks for, in this library's terms.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Rendering">Tools and thinking.</param>
/// <param name="Generation">How to answer.</param>
/// <param name="Tools">Which tools may and must be called.</param>
/// <param name="ShowReasoning">Whether thoughts are part of the response.</param>
internal sealed record Request(
    IReadOnlyList<ChatTurn> Turns, ChatRenderOptions Rendering, GenerationOptions Generation, ToolChoice Tools, bool ShowReasoning);

/// <summary>Translates messages and options of Microsoft.Extensions.AI.</summary>
/// <param name="contents">Reads pictures.</param>
/// <param name="optionsReader">Reads options.</param>
internal sealed class RequestReader(ContentReader contents, ChatOptionsReader optionsReader)
{
    private const string EffortVariable = "reasoning_effort";

    public Request Read(IEnumerable<ChatMessage> messages, ChatOptions? options, PictureScope pictures = default)
    {
        GenerationOptions generation = optionsReader.Read(options);
        ToolChoice tools = ToolReader.Read(options);
        var turns = new List<ChatTurn>();
        if (generation.SystemPrompt is { } system) turns.Add(ChatTurn.System(system));
        int before = turns.Count;
        foreach (ChatMessage message in messages) turns.AddRange(ReadMessage(message, pictures));
        if (turns.Count == before) throw new ArgumentException("there are no messages", nameof(messages));
        generation = generation with { Thinking = Thinks(options) ?? generation.Thinking,
            TemplateVariables = WithEffort(generation, options) };
        ChatRenderOptions rendering = generation.Rendering() with { Tools = tools.Tools };
        return new Request(turns, rendering, generation, tools, options?.Reasoning?.Output != ReasoningOutput.None);
    }

    /// <summary>Whether the model should think; null where the request does not say.</summary>
    private static bool? Thinks(ChatOptions? options) => options?.Reasoning?.Effort is { } effort ? effort != ReasoningEffort.None : null;

    /// <summary>The variables, and how much the model should think, for templates that know degrees.</summary>
    private static IReadOnlyDictionary<string, object?> WithEffort(GenerationOptions generation, ChatOptions? options)
    {
        string? effort = options?.Reasoning?.Effort switch
        {
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High or ReasoningEffort.ExtraHigh => "high",
            _ => null,
        };
        return effort is null || generation.TemplateVariables.ContainsKey(EffortVariable) ? generation.TemplateVariables
            : new Dictionary<string, object?>(generation.TemplateVariables) { [EffortVariable] = effort };
    }

    /// <summary>A message becomes one turn, or one for each of the tool results in it.</summary>
    private IEnumerable<ChatTurn> ReadMessage(ChatMessage message, PictureScope pictures)
    {
        FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
        foreach (FunctionResultContent result in results)
            yield return ReadResult(result, pictures);

        var parts = new List<ChatPart>();
        var images = new List<RgbImage>();
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent text:
                    parts.Add(text.Text);
                    break;
                case FunctionCallContent or FunctionResultContent or TextReasoningContent: // Read apart from the words.
                case UsageContent: // Came with an answer that is in the conversation now; models are not told.
                    break;
                default:
                    images.Add(contents.Read(content, pictures));
                    parts.Add(ChatPart.Image);
                    break;
            }
        }

        ChatToolCall[] calls =
            [.. message.Contents.OfType<FunctionCallContent>()
                .Select(call => new ChatToolCall(call.CallId, call.Name, Json.WriteArguments(call.Arguments)))];
        if (results.Length > 0 && parts.Count == 0 && calls.Length == 0) yield break;
        string reasoning = string.Concat(message.Contents.OfType<TextReasoningContent>().Select(thought => thought.Text));
        yield return new ChatTurn(
            new TurnMessage(Role(message.Role), parts) { ToolCalls = calls, Reasoning = reasoning.Length > 0 ? reasoning : null }, images);
    }

    /// <summary>What a tool gave back: words, and pictures wherever it gave some.</summary>
    private ChatTurn ReadResult(FunctionResultContent result, PictureScope pictures)
    {
        var parts = new List<ChatPart>();
        var images = new List<RgbImage>();
        foreach (AIContent content in ToolResult.Read(result))
        {
            if (content is TextContent text)
            {
                parts.Add(text.Text);
                continue;
            }

            images.Add(contents.Read(content, pictures));
            parts.Add(ChatPart.Image);
        }

        return new ChatTurn(new TurnMessage(TurnRole.Tool, parts) { ToolCallId = result.CallId }, images);
    }

    private static TurnRole Role(ChatRole role) =>
        role == ChatRole.System || role == Developer ? TurnRole.System : role == ChatRole.Assistant ? TurnRole.Assistant
        : role == ChatRole.Tool ? TurnRole.Tool : role == ChatRole.User ? TurnRole.User
        : throw new NotSupportedException($"messages of the role '{role}' are not known, only system, developer, user, assistant and tool");

    /// <summary>What OpenAI calls its system role since 2024.</summary>
    private static readonly ChatRole Developer = new("developer");
}
