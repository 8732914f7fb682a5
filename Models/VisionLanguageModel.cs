using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TinyMllm.Diagnostics;
using TinyMllm.Engine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Generation;
using TinyMllm.Generation.Sessions;
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
    private readonly Generator _generator;
    private readonly HashSet<int> _thinkingTokens;
    private readonly SlotPool _slots;
    private readonly ActivityGate _gate;
    private readonly HashSet<ChatSession> _sessions = [];
    private readonly ILogger _logger;

    private VisionLanguageModel(ModelFiles files, ModelOptions options, WorkerPool pool, ILogger logger)
    {
        (_files, _options, _pool, _logger) = (files, options, pool, logger);
        _gate = new ActivityGate(this, Free);
        int context = options.Context > 0 ? options.Context : Math.Min(files.Language.TrainingContext, ModelOptions.UsualContext);
        Info = files.Describe(context);
        DefaultSampling = files.Sampling;
        _embeddings = new EmbeddingCache(options.ImageCacheBytes);
        _generator = new Generator(new PromptReader(_embeddings, PromptBatch), files.Tokenizer);
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
        Load(At(modelPath, projectorPath, options), progress);

    /// <summary>Loads the model that the options name.</summary>
    /// <param name="options">Paths, threads, context, precision; a copy of them is used.</param>
    /// <param name="progress">Told about each step and each layer.</param>
    /// <param name="loggerFactory">Receives what is worth knowing, but neither prompts nor answers; null: nobody.</param>
    /// <exception cref="ArgumentException"><see cref="ModelOptions.ModelPath"/> is missing, or an option makes no sense.</exception>
    /// <inheritdoc cref="Load(string, string?, ModelOptions?, IProgress{LoadProgress}?)" path="/exception"/>
    public static VisionLanguageModel Load(
        ModelOptions options, IProgress<LoadProgress>? progress = null, ILoggerFactory? loggerFactory = null) =>
        Open(options, progress, loggerFactory, default);

    private static ModelOptions At(string modelPath, string? projectorPath, ModelOptions? options)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        return (options ?? ModelOptions.Default) with { ModelPath = modelPath, ProjectorPath = projectorPath };
    }

    private static VisionLanguageModel Open(
        ModelOptions given, IProgress<LoadProgress>? progress, ILoggerFactory? loggerFactory, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(given);
        ModelOptions options = given with { };
        options.Validate();
        if (options.ModelPath is null) throw new ArgumentException($"{nameof(ModelOptions)}.{nameof(ModelOptions.ModelPath)} is missing", nameof(given));
        ILogger logger = loggerFactory?.CreateLogger<VisionLanguageModel>() ?? (ILogger)NullLogger.Instance;
        VisionLanguageModel model = Telemetry.Loading(() => Open(options, progress, logger, cancellationToken));
        ModelInfo info = model.Info;
        Log.Loaded(logger, info.Name, info.Architecture, info.Weights, info.Context, info.Isa.ToString());
        foreach (string warning in info.Warnings) Log.FileWarning(logger, warning);
        return model;
    }

    private static VisionLanguageModel Open(
        ModelOptions options, IProgress<LoadProgress>? progress, ILogger logger, CancellationToken cancellationToken)
    {
        var files = ModelFiles.Load(options.ModelPath!, options.ProjectorPath, options, progress, cancellationToken);
        WorkerPool? pool = null;
        try
        {
            pool = new WorkerPool(options.Threads);
            var model = new VisionLanguageModel(files, options, pool, logger);
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

    /// <summary>Loads a model on another thread; see <see cref="Load(string, string?, ModelOptions?, IProgress{LoadProgress}?)"/>.</summary>
    /// <param name="modelPath">The language model's GGUF file.</param>
    /// <param name="projectorPath">The picture encoder's GGUF file, or null.</param>
    /// <param name="options">Threads, context, precision; null for the defaults.</param>
    /// <param name="progress">Told about each step and each layer.</param>
    /// <param name="cancellationToken">Takes effect within one layer.</param>
    public static Task<VisionLanguageModel> LoadAsync(
        string modelPath, string? projectorPath = null, ModelOptions? options = null, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        LoadAsync(At(modelPath, projectorPath, options), progress, null, cancellationToken);

    /// <summary>Loads the model that the options name on another thread.</summary>
    /// <param name="options">Paths, threads, context, precision; a copy of them is used.</param>
    /// <param name="progress">Told about each step and each layer.</param>
    /// <param name="loggerFactory">Receives what is worth knowing, but neither prompts nor answers; null: nobody.</param>
    /// <param name="cancellationToken">Takes effect within one layer.</param>
    /// <inheritdoc cref="Load(ModelOptions, IProgress{LoadProgress}?, ILoggerFactory?)" path="/exception"/>
    public static Task<VisionLanguageModel> LoadAsync(
        ModelOptions options, IProgress<LoadProgress>? progress = null, ILoggerFactory? loggerFactory = null,
        CancellationToken cancellationToken = default) =>
        Task.Run(() => Open(options, progress, loggerFactory, cancellationToken), cancellationToken);

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
            ? StreamPooled(() => _files.Prompts.Build(prompt, images), options, cancellationToken)
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

    /// <summary>Answers a question about a picture and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(string, RgbImage, GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAsync(
        string prompt, RgbImage image, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(prompt, image, options, cancellationToken).WholeAsync();

    /// <summary>Answers a question about any number of pictures, or none, and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(string, IReadOnlyList{RgbImage}?, GenerationOptions?, CancellationToken)"/>
    public async Task<GenerationResult> AnswerAsync(
        string prompt, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        await GenerateAsync(prompt, images, options, cancellationToken).WholeAsync().ConfigureAwait(false);

    /// <summary>Continues a conversation and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(IReadOnlyList{ChatTurn}, GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAsync(
        IReadOnlyList<ChatTurn> turns, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(turns, options, cancellationToken).WholeAsync();

    /// <summary>
    /// Answers one short question, about a picture too if the model has an encoder, so that the first user does not wait for compilation and
    /// for the weights to arrive in memory.
    /// </summary>
    /// <param name="cancellationToken">Takes effect within one layer.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public async Task WarmUpAsync(CancellationToken cancellationToken = default)
    {
        const int Side = 64;
        RgbImage[] images = SupportsImages ? [RgbImage.FromRgb(new byte[Side * Side * 3], Side, Side)] : [];
        string prompt = SupportsImages ? Loaders.Text.Chat.ChatTemplate.ImageMarker + "Hello" : "Hello";
        var options = new GenerationOptions { Raw = true, MaxTokens = 2, Sampling = SamplerOptions.Greedy };
        await AnswerAsync(prompt, images, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins a conversation with a KV cache of its own.</summary>
    /// <param name="systemPrompt">What the system turn says, or null for none.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ChatSession CreateSession(string? systemPrompt = null) =>
        CreateSession(systemPrompt is null ? [] : [ChatTurn.System(systemPrompt)], null);

    /// <summary>Goes on with a conversation that took place elsewhere; it is read when the first question is asked.</summary>
    /// <param name="turns">What was said so far.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ChatSession CreateSession(IEnumerable<ChatTurn> turns)
    {
        ArgumentNullException.ThrowIfNull(turns);
        return CreateSession(turns, null);
    }

    /// <summary>Goes on with a session that <see cref="ChatSession.SaveAsync"/> wrote, without reading the conversation again.</summary>
    /// <param name="stream">Read on a worker thread, synchronously, to the end of the session; it stays open. Only streams from those whom
    /// you trust: whoever writes one can have the model believe that anything was said.</param>
    /// <param name="cancellationToken">Ends the waiting before reading begins.</param>
    /// <exception cref="SessionFormatException">It is no session, damaged, or another model's; or it does not fit the context.</exception>
    /// <exception cref="UnsupportedModelException">It has pictures, but the model was loaded without a picture encoder.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Task<ChatSession> RestoreSessionAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Task.Run(() => Restore(stream, cancellationToken), cancellationToken);
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

    /// <summary>Begins a conversation, its memory filled by <paramref name="fill"/>.</summary>
    internal ChatSession CreateSession(IEnumerable<ChatTurn> turns, Action<Slot>? fill)
    {
        using ActivityGate.Activity activity = _gate.Enter(default);
        Slot slot = CreateSlot();
        try
        {
            fill?.Invoke(slot);
            var session = new ChatSession(this, slot, turns);
            lock (_sessions) _sessions.Add(session);
            return session;
        }
        catch
        {
            slot.Dispose();
            throw;
        }
    }

    /// <summary>Writes a session.</summary>
    internal void Save(Stream stream, IReadOnlyList<ChatTurn> turns, Slot slot)
    {
        using ActivityGate.Activity activity = _gate.Enter(default);
        SessionFile.Save(stream, Info, turns, slot, _files.Prompts.KeyOf);
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
        _files.Prompts.Build(ChatTemplate.RenderGuarded([.. turns.Select(turn => turn.Message)], options),
            [.. turns.SelectMany(turn => turn.Images)]);

    /// <summary>A prompt's text with picture markers, as the decoder reads it.</summary>
    internal IReadOnlyList<PromptPart> Assemble(GuardedText text, IReadOnlyList<RgbImage> images) => _files.Prompts.Build(text, images);

    /// <summary>A memory for one conversation.</summary>
    internal Slot CreateSlot() => new ModelSlot(_files.Language, _files.Vision, _pool, Info.Context, _options.KvType, _options.HugePages);

    /// <summary>The conversation of a single question.</summary>
    internal static ChatTurn[] Conversation(ChatTurn question, GenerationOptions options) =>
        options.SystemPrompt is { } system ? [ChatTurn.System(system), question] : [question];

    private ChatSession Restore(Stream stream, CancellationToken cancellationToken)
    {
        using ActivityGate.Activity activity = _gate.Enter(cancellationToken);
        List<ChatTurn> turns = [];
        return CreateSession(turns, slot => turns.AddRange(SessionFile.Load(stream, Info, slot, _files.Prompts.KeyOf)));
    }

    private void Free()
    {
        ChatSession[] sessions;
        lock (_sessions) sessions = [.. _sessions];
        foreach (ChatSession session in sessions) session.Dispose();
        _slots.Dispose();
        _pool.Dispose();
        _files.Dispose();
        Log.Disposed(_logger, Info.Name);
    }

    private void Generate(
        Slot slot, IReadOnlyList<PromptPart> prompt, GenerationOptions options, Action<GeneratedPiece> emit, CancellationToken cancellationToken,
        bool showSpecialTokens = false)
    {
        ITokenConstraint? constraint = OutputConstraint.Create(options, Tokenizer, ChatTemplate.Thinking, prompt, slot.Capacity);
        if (options.TokenConstraint?.Invoke(Tokenizer) is { } own) constraint = constraint is null ? own : new ConstraintPair(constraint, own);
        var sampler = new Sampler(options.Sampling ?? DefaultSampling, Tokenizer, constraint);
        var text = new TokenStream(Tokenizer, showSpecialTokens ? null : _thinkingTokens, trimLeadingSpace: !options.Raw);
        var parser = options.Raw ? null : ChatTemplate.CreateParser(OutputConstraint.End(prompt, Tokenizer));
        try
        {
            GenerationResult result = Telemetry.Answering(
                Info.Name, () => _generator.Run(slot, prompt, text, parser, sampler, options, emit, cancellationToken));
            GenerationUsage usage = result.Usage;
            Log.Answered(
                _logger, usage.GeneratedTokens, usage.PromptTokens, usage.ReusedTokens, result.Timings.FirstToken, result.FinishReason);
        }
        catch (Exception failure)
        {
            Log.Failed(_logger, failure);
            throw;
        }
    }
}
