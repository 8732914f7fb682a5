namespace TinyMllm.Generation;

/// <summary>
/// Counts the work under way in a model, so that disposing the model, which unmaps its weights, first ends that work and waits for it.
/// </summary>
internal sealed class ActivityGate : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _idle = new(true);
    private readonly CancellationTokenSource _closing = new();
    private int _active;

    /// <summary>Begins work; dispose the result when it is over.</summary>
    /// <param name="owner">Named when it is closed already.</param>
    /// <param name="cancellation">The caller's wish to stop.</param>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public Activity Enter(object owner, CancellationToken cancellation)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, owner);
            _active++;
            _idle.Reset();
            return new Activity(this, CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token));
        }
    }

    /// <summary>Lets no more work in, stops what is under way, waits for it. True for the caller that closed it.</summary>
    public bool Close()
    {
        lock (_gate)
        {
            if (_closing.IsCancellationRequested) return false;
            _closing.Cancel();
        }

        _idle.Wait();
        return true;
    }

    public void Dispose()
    {
        Close();
        _idle.Dispose();
        _closing.Dispose();
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_active == 0) _idle.Set();
        }
    }

    /// <summary>One piece of work.</summary>
    public sealed class Activity(ActivityGate gate, CancellationTokenSource source) : IDisposable
    {
        /// <summary>Cancelled by the caller or by closing.</summary>
        public CancellationToken Token => source.Token;

        public void Dispose()
        {
            source.Dispose();
            gate.Leave();
        }
    }
}
