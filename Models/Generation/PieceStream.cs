using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using TinyMllm.Diagnostics;

namespace TinyMllm.Generation;

/// <summary>Lets work that takes a thread for long deliver its pieces to an asynchronous reader; a reader that leaves ends the
/// work.</summary>
internal static class PieceStream
{
    /// <summary>Reads a stream to its end and returns the result in its last piece.</summary>
    public static async Task<GenerationResult> WholeAsync(this IAsyncEnumerable<GeneratedPiece> pieces)
    {
        GenerationResult? result = null;
        await foreach (GeneratedPiece piece in pieces.ConfigureAwait(false)) result = piece.Result;
        return result!;
    }

    /// <summary>Starts the work on a thread of its own when reading begins.</summary>
    /// <param name="work">Emits pieces; is cancelled when the reader leaves.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static async IAsyncEnumerable<GeneratedPiece> Run(
        Action<Action<GeneratedPiece>, CancellationToken> work, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<GeneratedPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        long asked = Stopwatch.GetTimestamp();
        Task worker = Task.Factory.StartNew(
            () =>
            {
                Telemetry.Waited("thread", asked);
                try
                {
                    work(piece => channel.Writer.TryWrite(piece), stop.Token);
                    channel.Writer.Complete();
                }
                catch (OperationCanceledException ended) when (!stop.IsCancellationRequested)
                {
                    channel.Writer.Complete(
                        new OperationCanceledException("the model or the session was disposed while it answered", ended));
                }
                catch (Exception failure)
                {
                    channel.Writer.Complete(failure);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (GeneratedPiece piece in channel.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                // The worker may be ahead of the reader; what it made before it was stopped is not wanted any more.
                cancellationToken.ThrowIfCancellationRequested();
                yield return piece;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await worker.ConfigureAwait(false);
        }
    }
}

/// <summary>Work that takes a thread for long, or waits for its turn: it gets a thread of its own, so that the pool's stay free.</summary>
internal static class Worker
{
    /// <summary>Runs <paramref name="work"/>.</summary>
    public static Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
