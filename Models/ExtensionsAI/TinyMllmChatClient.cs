using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Chat;
using TinyMllm.Loaders.Tokenizers;
using AiMessage = Microsoft.Extensions.AI.ChatMessage;
using AiRole = Microsoft.Extensions.AI.ChatRole;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// A model behind Microsoft.Extensions.AI's chat interface. Stateless: each request carries its conversation, and what it shares with an
/// earlier one is not read again.
/// </summary>
internal sealed class TinyMllmChatClient(VisionLanguageModel model) : IChatClient
{
    private const string Provider = "tinymllm";

    private readonly ContentReader _contents = new();

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<AiMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in GetStreamingResponseAsync(messages, options, cancellationToken)
            .ConfigureAwait(false)) updates.Add(update);
        return updates.ToChatResponse();
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<AiMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Request request = new RequestReader(_contents, model.DefaultSampling).Read(messages, options);
        GuardedText prompt = model.ChatTemplate.RenderGuarded([.. request.Turns.Select(turn => turn.Message)], request.Rendering);
        bool tools = request.Rendering.Tools.Count > 0, calledTools = false;
        AssistantOutputParser parser = model.ChatTemplate.CreateParser(prompt.Text, request.Rendering.Tools);
        string id = Guid.NewGuid().ToString("N");

        ChatResponseUpdate Update(params List<AIContent> contents) => new(AiRole.Assistant, contents)
        {
            ResponseId = id, MessageId = id, ModelId = model.Info.Name, CreatedAt = DateTimeOffset.UtcNow,
        };

        IAsyncEnumerable<GeneratedPiece> pieces = model.StreamPooled(
            () => model.Assemble(prompt, [.. request.Turns.SelectMany(turn => turn.Images)]), request.Generation, cancellationToken,
                showSpecialTokens: tools);
        await foreach (GeneratedPiece piece in pieces.ConfigureAwait(false))
        {
            IEnumerable<AssistantSegment> segments = parser.Append(piece.Text);
            if (piece.Result is not null) segments = [.. segments, .. parser.Finish()];
            foreach (AssistantSegment segment in segments)
            {
                calledTools |= segment.Kind == AssistantSegmentKind.ToolCall;
                yield return Update(ToContent(segment));
            }

            if (piece.Result is not { } result) continue;
            ChatResponseUpdate last = Update(new UsageContent(Usage(result)));
            last.FinishReason = calledTools ? ChatFinishReason.ToolCalls : Reason(result.FinishReason);
            last.RawRepresentation = result;
            yield return last;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return new ChatClientMetadata(Provider, null, model.Info.Name);
        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType.IsInstanceOfType(model) ? model : null;
    }

    public void Dispose()
    {
        // The model belongs to whoever loaded it.
    }

    private static AIContent ToContent(AssistantSegment segment) => segment switch
    {
        { ToolCall: { } call } => new FunctionCallContent(call.Id, call.Name, Json.ReadArguments(call.ArgumentsJson)),
        { Kind: AssistantSegmentKind.Reasoning } => new TextReasoningContent(segment.Text),
        _ => new TextContent(segment.Text),
    };

    private static UsageDetails Usage(GenerationResult result) => new()
    {
        InputTokenCount = result.Usage.PromptTokens,
        CachedInputTokenCount = result.Usage.ReusedTokens,
        OutputTokenCount = result.Usage.GeneratedTokens,
        TotalTokenCount = result.Usage.PromptTokens + result.Usage.GeneratedTokens,
        AdditionalCounts = new() { ["PictureTokens"] = result.Usage.PictureTokens },
    };

    private static ChatFinishReason Reason(FinishReason reason) =>
        reason is FinishReason.MaxTokens or FinishReason.ContextFull ? ChatFinishReason.Length : ChatFinishReason.Stop;
}
