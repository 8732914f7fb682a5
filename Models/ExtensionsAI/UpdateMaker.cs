using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// Makes the updates of one response. The first update of each piece carries the <see cref="GeneratedPiece"/> as its raw representation; that
/// of the last piece, which holds the <see cref="GenerationResult"/>, comes with the last update.
/// </summary>
internal sealed class UpdateMaker(Request request, string modelId)
{
    private readonly string _id = Guid.NewGuid().ToString("N");
    private int _calls;

    public IEnumerable<ChatResponseUpdate> Make(GeneratedPiece piece, IEnumerable<AssistantSegment> segments)
    {
        object? raw = piece.Result is null ? piece : null;
        foreach (AssistantSegment segment in segments)
        {
            if (segment.Kind == AssistantSegmentKind.Reasoning && !request.ShowReasoning) continue;
            if (segment.Kind == AssistantSegmentKind.ToolCall && _calls++ > 0 && !request.Tools.Several) continue;
            yield return Update(ToContent(segment), raw);
            raw = null;
        }

        if (piece.Result is { } result)
        {
            ChatResponseUpdate last = Update(new UsageContent(Usage(result)), piece);
            last.FinishReason = _calls > 0 ? ChatFinishReason.ToolCalls : Reason(result.FinishReason);
            yield return last;
        }
        else if (raw is not null && piece.Scores.Count > 0)
        {
            // Nothing to show yet, but log-probabilities that belong to somebody.
            yield return Update(null, raw);
        }
    }

    private ChatResponseUpdate Update(AIContent? content, object? raw) => new(ChatRole.Assistant, content is null ? [] : [content])
    {
        ResponseId = _id, MessageId = _id, ModelId = modelId, CreatedAt = DateTimeOffset.UtcNow, RawRepresentation = raw,
    };

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
