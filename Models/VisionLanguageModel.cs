using TinyMllm.Engine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Generation;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm;

/// <summary>
/// A vision-language model (or a text model) on the CPU. One loaded model serves any number of requests and sessions at once: weights are
/// shared, each
/// conversation has a memory of its own.
/// </summary>
/// <remarks>
/// A model may be disposed at any time and from any thread: what is under way ends with an <see cref="OperationCanceledException"/>, its
/// sessions are disposed, and every later request is an <see cref="ObjectDisposedException"/>. Results (texts, scores,
/// <see cref="ImageEmbedding"/>s) do not depend on it any more.
/// </remarks>
/// <example>
/// <code>
/// using var model = VisionLanguageModel.Load("SmolVLM-256M-Instruct-Q8_0.gguf", "mmproj-SmolVLM-256M-Instruct-Q8_0.gguf");
/// await foreach (var piece in model.GenerateAsync("What is in this picture?", RgbImage.Load("cat.jpg")))
///     Console.Write(piece);
/// </code>
/// </example>
public sealed partial class VisionLanguageModel : IDisposable, IAsyncDisposable
{
    private const int PromptBatch = 256;

    private readonly ModelFiles _files;
    private readonly ModelOptions _options;
    private readonly WorkerPool _pool;
    private readonly EmbeddingCache _embeddings;
    private readonly PromptReader _reader;
    private readonly SamplingVocabulary _vocabulary;
    private readonly HashSet<int> _thinkingTokens;
    private readonly SlotPool _slots;
    private readonly ActivityGate _gate;
    private readonly HashSet<ChatSession> _sessions = [];

    private VisionLanguageModel(ModelFiles files, ModelOptions options, WorkerPool pool)
    {
        (_files, _options, _pool) = (files, options, pool);
        _gate = new ActivityGate(this, Free);
        int context = options.Context > 0 ? options.Context : Math.Min(files.Language.TrainingContext, ModelOptions.UsualContext);
        Info = files.Describe(context);
        DefaultSampling = files.Sampling;
        _embeddings = new EmbeddingCache(options.ImageCacheBytes);
        _reader = new PromptReader(_embeddings, PromptBatch);
        _vocabulary = new SamplingVocabulary(files.Tokenizer);
        _thinkingTokens = files.Template.Thinking?.Tokens(files.Tokenizer) ?? [];
        _slots = new SlotPool(CreateSlot, options.IdleConversations);
    }

    /// <summary>What this model is.</summary>
    public ModelInfo Info { get; }

    /// <summary>
    /// How tokens are chosen when <see cref="GenerationOptions.Sampling"/> does not say: what the file recommends
    /// (<c>general.sampling.*</c>), or <see cref="SamplerOptions.Greedy"/> where it recommends nothing.
    /// </summary>
    public SamplerOptions DefaultSampling { get; }

    /// <summary>Whether prompts may have pictures.</summary>
    public bool SupportsImages => _files.Vision is not null;

    /// <summary>Text to tokens and back.</summary>
    public Tokenizer Tokenizer => _files.Tokenizer;

    /// <summary>How conversations are written for this model.</summary>
    public ChatTemplate ChatTemplate => _files.Template;

    /// <summary>The picture encoder, or null.</summary>
    internal VisionModel? Vision => _files.Vision;

    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">The language model's GGUF file; the first part of a split one finds the others.</param>
    /// <param name="projectorPath">The picture encoder's GGUF file (mmproj), or null for text alone.</param>
    /// <param name="options">Threads, context, precision; null for the defaults.</param>
    /// <param name="progress">Told about each step and each layer.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="GgufFormatException">A file is damaged.</exception>
    /// <exception cref="UnsupportedModelException">The architecture or projector is not known, or the two files do not fit each
    /// other.</exception>
    public static VisionLanguageModel Load(
        string modelPath, string? projectorPath = null, ModelOptions? options = null, IProgress<LoadProgress>? progress = null) =>
        Open(modelPath, projectorPath, options, progress, default);

    private static VisionLanguageModel Open(
        string modelPath, string? projectorPath, ModelOptions? options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        options ??= ModelOptions.Default;
        options.Validate();
        ModelFiles files = ModelFiles.Load(modelPath, projectorPath, options, progress, cancellationToken);
        WorkerPool? pool = null;
        try
        {
            pool = new WorkerPool(options.Threads);
            var model = new VisionLanguageModel(files, options, pool);
            progress?.Report(new LoadProgress("ready", 1));
            return model;
        }
        catch
        {
            pool?.Dispose();
            files.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model on another thread; see <see cref="Load"/>.</summary>
    /// <param name="modelPath">The language model's GGUF file.</param>
    /// <param name="projectorPath">The picture encoder's GGUF file, or null.</param>
    /// <param name="options">Threads, context, precision; null for the defaults.</param>
    /// <param name="progress">Told about each step and each layer.</param>
    /// <param name="cancellationToken">Takes effect within one layer.</param>
    public static Task<VisionLanguageModel> LoadAsync(
        string modelPath, string? projectorPath = null, ModelOptions? options = null, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Task.Run(() => Open(modelPath, projectorPath, options, progress, cancellationToken), cancellationToken);

    /// <summary>Answers a question about a picture and streams the answer.</summary>
    /// <param name="prompt">The question.</param>
    /// <param name="image">The picture.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token or one layer of the encoder.</param>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        string prompt, RgbImage image, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(prompt, [image], options, cancellationToken);

    /// <summary>Answers a question about any number of pictures, or none, and streams the answer.</summary>
    /// <param name="prompt">The question; with <see cref="GenerationOptions.Raw"/> the whole prompt.</param>
    /// <param name="images">The pictures.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token or one layer of the encoder.</param>
    /// <exception cref="ContextOverflowException">The prompt does not fit the context.</exception>
    /// <exception cref="UnsupportedModelException">There are pictures, but no picture encoder.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        string prompt, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        images ??= [];
        options ??= GenerationOptions.Default;
        return options.Raw
            ? StreamPooled(() => _files.Prompts.Assemble(prompt, images), options, cancellationToken)
            : GenerateAsync(Conversation(ChatTurn.User(prompt, images), options), options, cancellationToken);
    }

    /// <summary>Continues a conversation and streams the answer. What it shares with an earlier request is not read again.</summary>
    /// <param name="turns">The conversation so far, a question last.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token or one layer of the encoder.</param>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        IReadOnlyList<ChatTurn> turns, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(turns);
        options ??= GenerationOptions.Default;
        return StreamPooled(() => Assemble(turns, options.Rendering()), options, cancellationToken);
    }

    /// <summary>Answers and returns the whole answer.</summary>
    /// <param name="prompt">The question.</param>
    /// <param name="images">The pictures.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token or one layer of the encoder.</param>
    public async Task<GenerationResult> AnswerAsync(
        string prompt, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        GenerationResult? result = null;
        await foreach (GeneratedPiece piece in GenerateAsync(prompt, images, options, cancellationToken).ConfigureAwait(false)) result =
            piece.Result;
        return result!;
    }

    /// <summary>Begins a conversation with a memory of its own.</summary>
    /// <param name="systemPrompt">What the system turn says, or null for none.</param>
    public ChatSession CreateSession(string? systemPrompt = null)
    {
        using ActivityGate.Activity activity = _gate.Enter(default);
        var session = new ChatSession(this, CreateSlot(), systemPrompt);
        lock (_sessions) _sessions.Add(session);
        return session;
    }

    /// <summary>Ends what is under way, waits for it, disposes the sessions, and frees the weights.</summary>
    public void Dispose() => _gate.Close();

    /// <summary>Ends what is under way, waits for it without blocking a thread, disposes the sessions, and frees the weights.</summary>
    public ValueTask DisposeAsync() => new(_gate.CloseAsync());

    /// <summary>Tells that a session was disposed.</summary>
    internal void Forget(ChatSession session)
    {
        lock (_sessions) _sessions.Remove(session);
    }

    /// <summary>Answers in a session's memory, which stays until the answer is over.</summary>
    internal IAsyncEnumerable<GeneratedPiece> Stream(
        ActivityGate session, Slot slot, IReadOnlyList<ChatTurn> turns, GenerationOptions options, CancellationToken cancellationToken) =>
        PieceStream.Run(
            (emit, stop) =>
            {
                using ActivityGate.Activity conversation = session.Enter(stop);
                using ActivityGate.Activity activity = _gate.Enter(conversation.Token);
                Generate(slot, Assemble(turns, options.Rendering()), options with { Raw = false }, emit, activity.Token);
            },
            cancellationToken);

    /// <summary>Answers in whichever idle memory shares most with the prompt. Tool calls are recognised by special tokens, which then must
    /// show.</summary>
    internal IAsyncEnumerable<GeneratedPiece> StreamPooled(
        Func<IReadOnlyList<PromptPart>> assemble, GenerationOptions options, CancellationToken cancellationToken, bool showSpecialTokens =
            false)
    {
        options.Validate();
        _gate.Check();
        return PieceStream.Run(
            (emit, stop) =>
            {
                using ActivityGate.Activity activity = _gate.Enter(stop);
                IReadOnlyList<PromptPart> prompt = assemble();
                Slot slot = _slots.Rent(prompt);
                try
                {
                    Generate(slot, prompt, options, emit, activity.Token, showSpecialTokens);
                }
                finally
                {
                    _slots.Return(slot);
                }
            },
            cancellationToken);
    }

    /// <summary>The prompt of a conversation, as the decoder reads it.</summary>
    internal IReadOnlyList<PromptPart> Assemble(IReadOnlyList<ChatTurn> turns, ChatRenderOptions options) =>
        _files.Prompts.Assemble(ChatTemplate.RenderGuarded([.. turns.Select(turn => turn.Message)], options),
            [.. turns.SelectMany(turn => turn.Images)]);

    /// <summary>A prompt's text with picture markers, as the decoder reads it.</summary>
    internal IReadOnlyList<PromptPart> Assemble(GuardedText text, IReadOnlyList<RgbImage> images) => _files.Prompts.Assemble(text, images);

    /// <summary>A memory for one conversation.</summary>
    internal Slot CreateSlot() => new(new ModelDecoder(_files.Language, _files.Vision, _pool, Info.Context, _options.KvType, _options.HugePages));

    /// <summary>The conversation of a single question.</summary>
    internal static ChatTurn[] Conversation(ChatTurn question, GenerationOptions options) =>
        options.SystemPrompt is { } system ? [ChatTurn.System(system), question] : [question];

    private void Free()
    {
        ChatSession[] sessions;
        lock (_sessions) sessions = [.. _sessions];
        foreach (ChatSession session in sessions) session.Dispose();
        _slots.Dispose();
        _pool.Dispose();
        _files.Dispose();
    }

    private void Generate(
        Slot slot, IReadOnlyList<PromptPart> prompt, GenerationOptions options, Action<GeneratedPiece> emit, CancellationToken cancellationToken,
        bool showSpecialTokens = false)
    {
        ITokenConstraint? constraint = OutputConstraint.Create(options, _vocabulary, ChatTemplate.Thinking, prompt, slot.Decoder.Capacity);
        var sampler = new Sampler(options.Sampling ?? DefaultSampling, _vocabulary, constraint);
        var generator = new Generator(_reader, Tokenizer.IsEndOfGeneration,
            () => new TokenText(Tokenizer, showSpecialTokens ? null : _thinkingTokens, trimLeadingSpace: !options.Raw),
            options.Raw ? null : () => ChatTemplate.CreateParser(OutputConstraint.End(prompt, _vocabulary)));
        generator.Run(slot, prompt, sampler, options, emit, cancellationToken);
    }
}
