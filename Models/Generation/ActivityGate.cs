namespace TinyMllm.Generation;

/// <summary>
/// Counts the work under way in something that owns memory (a model, a session). Closing ends that work, waits for it, and only then frees
/// the memory.
/// </summary>
/// <remarks>
/// Work runs on one thread from its beginning to its end. Who closes from within the work, in a progress callback for instance, cannot wait
/// for it: then the memory is freed when the work is over.
/// </remarks>
/// <param name="owner">What owns the memory; named when it is closed.</param>
/// <param name="free">Frees the memory; called once.</param>
internal sealed class ActivityGate(object owner, Action free)
{
    /// <summary>The innermost work of this thread.</summary>
    [ThreadStatic]
    private static Activity? _current;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _active;
    private bool _closed;

    /// <summary>Begins work; dispose the result on the same thread when it is over.</summary>
    /// <param name="cancellationToken">The caller's wish to stop.</param>
    /// <exception cref="OperationCanceledException">The caller wished to stop before the work began, whether the gate is closed or
    /// not.</exception>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public Activity Enter(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            _active++;
        }

        try
        {
            return new Activity(this, CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token));
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>Throws if the gate is closed.</summary>
    /// <exception cref="ObjectDisposedException">It is.</exception>
    public void Check()
    {
        lock (_gate) ObjectDisposedException.ThrowIf(_closed, owner);
    }

    /// <summary>Lets no more work in, stops what is under way, and waits until the memory is free.</summary>
    public void Close() => CloseAsync().GetAwaiter().GetResult();

    /// <summary>Lets no more work in and stops what is under way; the result is complete when the memory is free, or at once for a caller
    /// within the work.</summary>
    public Task CloseAsync()
    {
        bool first, idle;
        lock (_gate)
        {
            first = !_closed;
            _closed = true;
            idle = _active == 0;
        }

        if (first)
        {
            _closing.Cancel();
            if (idle) Free();
        }

        return IsWithinWork() ? Task.CompletedTask : _freed.Task;
    }

    private bool IsWithinWork()
    {
        for (Activity? activity = _current; activity is not null; activity = activity.Outer)
            if (activity.Gate == this) return true;
        return false;
    }

    private void Leave()
    {
        bool last;
        lock (_gate) last = --_active == 0 && _closed;
        if (last) Free();
    }

    private void Free()
    {
        try
        {
            free();
            _freed.SetResult();
        }
        catch (Exception failure)
        {
            _freed.SetException(failure);
        }
    }

    /// <summary>One piece of work.</summary>
    public sealed class Activity : IDisposable
    {
        private readonly CancellationTokenSource _source;

        internal Activity(ActivityGate gate, CancellationTokenSource source)
        {
            (Gate, _source, Outer) = (gate, source, _current);
            _current = this;
        }

        /// <summary>Cancelled by the caller or by closing.</summary>
        public CancellationToken Token => _source.Token;

        /// <summary>Where it belongs.</summary>
        internal ActivityGate Gate { get; }

        /// <summary>The work of the same thread that it is a part of.</summary>
        internal Activity? Outer { get; }

        /// <summary>Ends it.</summary>
        public void Dispose()
        {
            _current = Outer;
            _source.Dispose();
            Gate.Leave();
        }
    }
}
