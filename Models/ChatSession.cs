using System.Runtime.CompilerServices;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm;

/// <summary>
/// A conversation with a memory of its own: each question is read on top of what was said before, and a picture asked about again is not
/// encoded again.
/// For one caller at a time; any number of sessions may run on one model at once.
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
    private readonly List<ChatTurn> _turns = [];
    private int _busy;

    internal ChatSession(VisionLanguageModel model, Slot slot, string? systemPrompt)
    {
        (_model, _slot) = (model, slot);
        _gate = new ActivityGate(this, Free);
        if (systemPrompt is not null) _turns.Add(ChatTurn.System(systemPrompt));
    }

    /// <summary>What was said so far, the system's turn included.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>Tokens in the memory.</summary>
    public int Tokens => _slot.Timeline.Tokens;

    /// <summary>
    /// Asks and streams the answer; both join the conversation when the answer is complete. An answer that is cancelled or fails leaves the
    /// conversation as it was.
    /// </summary>
    /// <param name="question">The question.</param>
    /// <param name="images">Pictures that come with it.</param>
    /// <param name="options">How to answer; <see cref="GenerationOptions.SystemPrompt"/> and <see cref="GenerationOptions.Raw"/> are not
    /// looked at.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    /// <exception cref="ContextOverflowException">The conversation has become too long.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="InvalidOperationException">The session is answering already; an answer is over when its enumerator is disposed,
    /// as <c>await foreach</c> does.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> AskAsync(
        string question, IReadOnlyList<RgbImage>? images = null, GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        AskAsync(ChatTurn.User(question, images ?? []), options, cancellationToken);

    /// <summary>Asks with a turn that was put together by the caller, for instance with pictures between the words.</summary>
    /// <param name="turn">What the user says.</param>
    /// <param name="options">How to answer.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model was disposed.</exception>
    public IAsyncEnumerable<GeneratedPiece> AskAsync(
        ChatTurn turn, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(turn);
        options ??= GenerationOptions.Default;
        options.Validate();
        _gate.Check();
        return Answer(turn, options, cancellationToken);
    }

    /// <summary>Forgets the conversation, but not the system's turn.</summary>
    public void Clear() => _turns.RemoveAll(turn => turn.Message.Role != TurnRole.System);

    /// <summary>Ends the answer that is under way, waits for it, and frees the memory.</summary>
    public void Dispose() => _gate.Close();

    /// <summary>Ends the answer that is under way, waits for it without blocking a thread, and frees the memory.</summary>
    public ValueTask DisposeAsync() => new(_gate.CloseAsync());

    private void Free()
    {
        _model.Forget(this);
        _slot.Dispose();
    }

    private async IAsyncEnumerable<GeneratedPiece> Answer(
        ChatTurn turn, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0) throw new InvalidOperationException(
            "the session is answering already; use a session for each conversation");
        try
        {
            ChatTurn[] turns = [.. _turns, turn];
            await foreach (GeneratedPiece piece in _model.Stream(_gate, _slot, turns, options, cancellationToken)
                .ConfigureAwait(false))
            {
                if (piece.Result is { } result)
                {
                    _turns.Add(turn);
                    _turns.Add(ChatTurn.Assistant(result.Text));
                }

                yield return piece;
            }
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

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
        if (Interlocked.Exchange(ref _busy, 1) != 0) throw new InvalidOperationException(
            "the session is answering already; use a session for each conversation");
        _turns.Add(turn);
        Volatile.Write(ref _busy, 0);
    }
}
