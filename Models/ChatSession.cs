using System.Runtime.CompilerServices;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm;

/// <summary>
/// A conversation with a KV cache of its own: each question is read on top of what was said before, and a picture asked about again is not
/// encoded again. For one caller at a time; any number of sessions may run on one model at once.
/// </summary>
/// <remarks>
/// A session may be disposed at any time and from any thread, in the middle of its own answer too: the answer then ends with an
/// <see cref="OperationCanceledException"/>, and every later question is an <see cref="ObjectDisposedException"/>. Disposing the model
/// disposes its sessions. A session that is not disposed keeps its memory until then.
/// </remarks>
public sealed class ChatSession : IDisposable, IAsyncDisposable
{
    private readonly VisionLanguageModel _model;
    private readonly Slot _slot;
    private readonly ActivityGate _gate;
    private readonly List<ChatTurn> _turns;
    private int _busy;

    internal ChatSession(VisionLanguageModel model, Slot slot, IEnumerable<ChatTurn> turns)
    {
        (_model, _slot, _turns) = (model, slot, [.. turns]);
        _gate = new ActivityGate(this, Free);
    }

    /// <summary>What was said so far, the system's turn included.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>Tokens in the KV cache.</summary>
    public int Tokens => _slot.Timeline.Tokens;

    /// <summary>Asks about a picture and streams the answer; see the other overloads.</summary>
    /// <param name="question">The question.</param>
    /// <param name="image">The picture.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        string question, RgbImage image, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(ChatTurn.User(question, image), options, cancellationToken);

    /// <summary>
    /// Asks and streams the answer; both join the conversation when the answer is complete. An answer that is cancelled or fails leaves the
    /// conversation as it was.
    /// </summary>
    /// <param name="question">The question.</param>
    /// <param name="images">Pictures that come with it.</param>
    /// <param name="options">How to answer; null for the defaults. <see cref="GenerationOptions.SystemPrompt"/> and
    /// <see cref="GenerationOptions.Raw"/> have no effect here.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    /// <exception cref="ContextOverflowException">The conversation has become too long.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="InvalidOperationException">The session is answering already; an answer is over when its enumerator is disposed,
    /// as <c>await foreach</c> does.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        string question, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        GenerateAsync(ChatTurn.User(question, images ?? []), options, cancellationToken);

    /// <summary>Asks with a turn of your own making, for instance with pictures between the words, and streams the answer.</summary>
    /// <param name="turn">What the user says.</param>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> GenerateAsync(
        ChatTurn turn, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(turn);
        Check(ref options);
        return Generate(() => _turns.Append(turn), answer => _turns.AddRange([turn, answer]), options, cancellationToken);
    }

    /// <summary>
    /// Answers the last question again and streams the answer, which replaces the last one when it is complete. An answer that is cancelled
    /// or fails leaves the conversation as it was. Without sampling (<see cref="GenerationOptions.Sampling"/>) the answer is the same.
    /// </summary>
    /// <param name="options">How to answer; null for the defaults.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    /// <exception cref="InvalidOperationException">The conversation does not end with an answer, or the session is answering.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> GenerateAgainAsync(GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(ref options);
        return Generate(
            () => _turns is [.., { Message.Role: TurnRole.User or TurnRole.Tool }, { Message.Role: TurnRole.Assistant }]
                ? _turns.SkipLast(1)
                : throw new InvalidOperationException("the conversation does not end with an answer that could be made again"),
            answer => _turns[^1] = answer,
            options, cancellationToken);
    }

    /// <summary>Asks about a picture and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(string, RgbImage, GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAsync(
        string question, RgbImage image, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(question, image, options, cancellationToken).WholeAsync();

    /// <summary>Asks and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(string, IReadOnlyList{RgbImage}?, GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAsync(
        string question, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        GenerateAsync(question, images, options, cancellationToken).WholeAsync();

    /// <summary>Asks with a turn of your own making and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAsync(ChatTurn, GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAsync(
        ChatTurn turn, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(turn, options, cancellationToken).WholeAsync();

    /// <summary>Answers the last question again and returns the whole answer.</summary>
    /// <inheritdoc cref="GenerateAgainAsync(GenerationOptions?, CancellationToken)"/>
    public Task<GenerationResult> AnswerAgainAsync(GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAgainAsync(options, cancellationToken).WholeAsync();

    /// <summary>
    /// Adds what was said elsewhere, or the part of an answer that was stopped: the next question is asked on top of it.
    /// </summary>
    /// <param name="turn">What was said; whose turn it is, is up to the caller.</param>
    /// <exception cref="InvalidOperationException">The session is answering.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public void Add(ChatTurn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        _gate.Check();
        using (Occupy()) _turns.Add(turn);
    }

    /// <summary>Forgets the conversation, but not the system's turn.</summary>
    /// <exception cref="InvalidOperationException">The session is answering.</exception>
    public void Clear()
    {
        using (Occupy()) _turns.RemoveAll(turn => turn.Message.Role != TurnRole.System);
    }

    /// <summary>
    /// A second conversation that goes on from here: the turns and the KV cache are copied, so that nothing is read again. Both sessions are
    /// independent from then on, and each must be disposed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The session is answering.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public ChatSession Fork()
    {
        using (Occupy())
        using (_gate.Enter(default))
            return _model.CreateSession(_turns, _slot.CopyTo);
    }

    /// <summary>
    /// Writes the turns, their pictures and the KV cache, so that <see cref="VisionLanguageModel.RestoreSessionAsync"/> goes on from here
    /// without reading the conversation again. The pictures are stored as pixels: compress the stream if size matters.
    /// </summary>
    /// <param name="stream">Written to on a worker thread, synchronously; it stays open.</param>
    /// <param name="cancellationToken">Ends the waiting before writing begins.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The session is answering.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public Task SaveAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Task.Run(() => Save(stream, cancellationToken), cancellationToken);
    }

    /// <summary>Ends the answer that is under way, waits for it, and frees the memory.</summary>
    public void Dispose() => _gate.Close();

    /// <summary>Ends the answer that is under way, waits for it without blocking a thread, and frees the memory.</summary>
    public ValueTask DisposeAsync() => new(_gate.CloseAsync());

    private void Save(Stream stream, CancellationToken cancellationToken)
    {
        using (Occupy())
        using (_gate.Enter(cancellationToken))
            _model.Save(stream, _turns, _slot);
    }

    private void Free()
    {
        _model.Forget(this);
        _slot.Dispose();
    }

    private void Check(ref GenerationOptions? options)
    {
        options ??= GenerationOptions.Default;
        options.Validate();
        _gate.Check();
    }

    private async IAsyncEnumerable<GeneratedPiece> Generate(
        Func<IEnumerable<ChatTurn>> conversation, Action<ChatTurn> add, GenerationOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using Occupation occupation = Occupy();
        ChatTurn[] turns = [.. conversation()];
        await foreach (GeneratedPiece piece in _model.Stream(_gate, _slot, turns, options!, cancellationToken).ConfigureAwait(false))
        {
            if (piece.Result is { } result) add(ChatTurn.Assistant(result.Text));
            yield return piece;
        }
    }

    /// <summary>Keeps everybody else out until the result is disposed.</summary>
    private Occupation Occupy() => Interlocked.Exchange(ref _busy, 1) == 0
        ? new Occupation(this)
        : throw new InvalidOperationException("the session is answering already; use a session for each conversation");

    private readonly struct Occupation(ChatSession session) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref session._busy, 0);
    }
}
