namespace TinyMllm.Generation;

/// <summary>
/// Memories of finished requests. A new request gets the one that shares most with its prompt; a request that finds none idle gets a new
/// one.
/// Safe for many threads.
/// </summary>
internal sealed class SlotPool(Func<Slot> create, int maxIdle) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Slot> _idle = []; // The longest unused first.
    private bool _disposed;

    public Slot Rent(IReadOnlyList<PromptPart> prompt)
    {
        lock (_gate)
        {
            // Starting over in a memory that shares nothing would destroy what another conversation may come back to.
            if (_idle.Count > 0)
            {
                Slot best = _idle.MaxBy(slot => slot.Timeline.CommonTokens(prompt))!;
                if (_idle.Count >= maxIdle || best.Timeline.CommonTokens(prompt) > 0)
                {
                    _idle.Remove(best);
                    return best;
                }
            }
        }

        return create();
    }

    public void Return(Slot slot)
    {
        Slot? excess = null;
        lock (_gate)
        {
            if (_disposed)
            {
                excess = slot;
            }
            else
            {
                _idle.Add(slot);
                if (_idle.Count > maxIdle)
                {
                    excess = _idle[0];
                    _idle.RemoveAt(0);
                }
            }
        }

        excess?.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (Slot slot in _idle) slot.Dispose();
            _idle.Clear();
        }
    }
}
