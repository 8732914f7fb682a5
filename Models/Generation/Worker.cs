namespace TinyMllm.Generation;

/// <summary>Work that takes a thread for long, or waits for its turn: it gets a thread of its own, so that the pool's stay free.</summary>
internal static class Worker
{
    /// <summary>Runs <paramref name="work"/>.</summary>
    public static Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
