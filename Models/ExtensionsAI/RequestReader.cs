using Microsoft.Extensions.AI;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Chat;
using TinyMllm.Loaders.Images;
using AiMessage = Microsoft.Extensions.AI.ChatMessage;
using AiRole = Microsoft.Extensions.AI.ChatRole;
using ChatMessage = TinyMllm.Loaders.Chat.ChatMessage;
using ChatRole = TinyMllm.Loaders.Chat.ChatRole;

namespace TinyMllm.ExtensionsAI;

/// <summary>What a chat client's request asks for, in this library's terms.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Rendering">Tools and thinking.</param>
/// <param name="Generation">How to answer.</param>
internal sealed record Request(IReadOnlyList<ChatTurn> Turns, ChatRenderOptions Rendering, GenerationOptions Generation);

/// <summary>Translates messages and options of Microsoft.Extensions.AI.</summary>
/// <param name="contents">Reads pictures.</param>
/// <param name="defaultSampling">How tokens are chosen where a request does not say.</param>
internal sealed class RequestReader(ContentReader contents, SamplerOptions defaultSampling)
{
    public Request Read(IEnumerable<AiMessage> messages, ChatOptions? options)
    {
        var turns = new List<ChatTurn>();
        if (options?.Instructions is { Length: > 0 } instructions) turns.Add(ChatTurn.System(instructions));
        foreach (AiMessage message in messages) turns.AddRange(ReadMessage(message));
        if (turns.Count == 0) throw new ArgumentException("there are no messages", nameof(messages));
        var rendering = new ChatRenderOptions { Tools = ReadTools(options),
            EnableThinking = options?.Reasoning?.Effort != ReasoningEffort.None };
        return new Request(turns, rendering, ReadOptions(options));
    }

    private GenerationOptions ReadOptions(ChatOptions? options)
    {
        if (options is null) return GenerationOptions.Default;
        GenerationOptions basis =
            options.AdditionalProperties?.GetValueOrDefault(nameof(GenerationOptions)) as GenerationOptions ?? GenerationOptions.Default;
        SamplerOptions sampling = basis.Sampling ?? defaultSampling;
        return basis with
        {
            MaxTokens = options.MaxOutputTokens ?? basis.MaxTokens,
            StopStrings = options.StopSequences is { Count: > 0 } stops ? [.. stops] : basis.StopStrings,
            JsonSchema = options.ResponseFormat is ChatResponseFormatJson json ? json.Schema?.GetRawText() ?? "{}" : basis.JsonSchema,
            Sampling = sampling with
            {
                Temperature = options.Temperature ?? sampling.Temperature,
                TopP = options.TopP ?? sampling.TopP,
                TopK = options.TopK ?? sampling.TopK,
                FrequencyPenalty = options.FrequencyPenalty ?? sampling.FrequencyPenalty,
                PresencePenalty = options.PresencePenalty ?? sampling.PresencePenalty,
                Seed = options.Seed is { } seed ? unchecked((uint)seed) : sampling.Seed,
            },
        };
    }

    private static IReadOnlyList<ChatTool> ReadTools(ChatOptions? options) => options?.Tools is null || options.ToolMode is NoneChatToolMode
        ? []
        : [.. options.Tools.OfType<AIFunctionDeclaration>()
            .Where(tool => options.ToolMode is not RequiredChatToolMode { RequiredFunctionName: { } required } || tool.Name == required)
            .Select(tool => new ChatTool(tool.Name, tool.Description, tool.JsonSchema.GetRawText()))];

    /// <summary>A message becomes one turn, or one for each of the tool results in it.</summary>
    private IEnumerable<ChatTurn> ReadMessage(AiMessage message)
    {
        FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
        foreach (FunctionResultContent result in results)
            yield return new ChatTurn(new ChatMessage(ChatRole.Tool, Json.WriteResult(result.Result)) { ToolCallId = result.CallId }, []);

        var parts = new List<ChatPart>();
        var images = new List<RgbImage>();
        foreach (AIContent content in message.Contents)
        {
            if (content is TextContent text) parts.Add(text.Text);
            else if (contents.Read(content) is { } image)
            {
                parts.Add(ChatPart.Image);
                images.Add(image);
            }
        }

        ChatToolCall[] calls =
            [.. message.Contents.OfType<FunctionCallContent>()
                .Select(call => new ChatToolCall(call.CallId, call.Name, Json.WriteArguments(call.Arguments)))];
        if (results.Length > 0 && parts.Count == 0 && calls.Length == 0) yield break;
        string reasoning = string.Concat(message.Contents.OfType<TextReasoningContent>().Select(thought => thought.Text));
        yield return new ChatTurn(
            new ChatMessage(Role(message.Role), parts) { ToolCalls = calls, Reasoning = reasoning.Length > 0 ? reasoning : null }, images);
    }

    private static ChatRole Role(AiRole role) =>
        role == AiRole.System ? ChatRole.System : role == AiRole.Assistant ? ChatRole.Assistant : role == AiRole.Tool ? ChatRole.Tool
            : ChatRole.User;
}
