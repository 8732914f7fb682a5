using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// A model behind Microsoft.Extensions.AI's chat interface. Stateless: each request carries its conversation, and what it shares with an
/// earlier one is not read again.
/// </summary>
internal sealed class TinyMllmChatClient : IChatClient
{
    private const string Provider = "tinymllm";

    private readonly VisionLanguageModel _model;
    private readonly RequestReader _reader;

    /// <summary>A client of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pictures">The pictures that file addresses may name.</param>
    public TinyMllmChatClient(VisionLanguageModel model, PictureFolder pictures)
    {
        _model = model;
        _reader = new RequestReader(new ContentReader(pictures, model.Pictures), new ChatOptionsReader(this, model.Info.Name, model.DefaultSampling));
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in GetStreamingResponseAsync(messages, options, cancellationToken)
            .ConfigureAwait(false))
        {
            updates.Add(update);
        }

        var response = updates.ToChatResponse();
        response.RawRepresentation = ((GeneratedPiece)updates[^1].RawRepresentation!).Result;
        return response;
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using PictureMemory memory = PictureDecoder.CreateMemory();
        var scope = new PictureScope(memory, cancellationToken);
        Request request = await Worker.RunAsync(() => _reader.Read(messages, options, scope), cancellationToken).ConfigureAwait(false);
        ChatTemplate template = _model.ChatTemplate;
        GuardedText prompt = template.RenderGuarded([.. request.Turns.Select(turn => turn.Message)], request.Rendering);
        AssistantOutputParser parser = template.CreateParser(prompt: "", request.Tools.Tools); // Thoughts are told apart already.
        var updates = new UpdateMaker(request, _model.Info.Name);
        IAsyncEnumerable<GeneratedPiece> pieces = _model.StreamPooled(
            () => _model.Assemble(prompt, [.. request.Turns.SelectMany(turn => turn.Images)]), WithCalls(request, template), cancellationToken,
            showSpecialTokens: request.Tools.Tools.Count > 0);
        await foreach (GeneratedPiece piece in pieces.ConfigureAwait(false))
        {
            IEnumerable<AssistantSegment> segments = parser.Append(piece.Text);
            if (piece.Reasoning.Length > 0)
                segments = segments.Prepend(new AssistantSegment(AssistantSegmentKind.Reasoning, piece.Reasoning));
            if (piece.Result is not null) segments = [.. segments, .. parser.Finish()];
            foreach (ChatResponseUpdate update in updates.Make(piece, segments)) yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return new ChatClientMetadata(Provider, null, _model.Info.Name);
        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType.IsInstanceOfType(_model) ? _model : null;
    }

    public void Dispose()
    {
        // The model belongs to whoever loaded it.
    }

    /// <summary>
    /// Holds the answer to a call where one is required, and lets one take the place of JSON where one is allowed. A grammar of the caller's
    /// own says all there is to say.
    /// </summary>
    private static GenerationOptions WithCalls(Request request, ChatTemplate template)
    {
        GenerationOptions options = request.Generation;
        if (request.Tools.Tools.Count == 0 || (options.JsonSchema is null && !request.Tools.Required)) return options;
        string calls = template.CallForm.Grammar(request.Tools.Tools, request.Tools.Several);
        return request.Tools.Required ? options with { Grammar = calls, JsonSchema = null } : options with { OrGrammar = calls };
    }
}
