namespace TinyMllm.Engine;

/// <summary>
/// How long the memory of an object lives: it is freed once the object is disposed and the last use that was under way is over. Disposing
/// from another thread therefore never takes memory away from running arithmetic, and a use that begins afterwards is an
/// <see cref="ObjectDisposedException"/>.
/// </summary>
/// <param name="owner">Whose memory it is; named when it is disposed already.</param>
/// <param name="free">Frees it; called once, on the thread that disposes or that ends the last use.</param>
internal sealed class Lifetime(object owner, Action free)
{
    private const int Disposed = 1 << 30;

    /// <summary>Number of uses under way, and whether the owner is disposed.</summary>
    private int _state;

    /// <summary>Begins a use; dispose the result when it is over.</summary>
    /// <exception cref="ObjectDisposedException">The owner is disposed.</exception>
    public Usage Use()
    {
        Begin();
        return new Usage(this);
    }

    /// <summary>Begins a use that <see cref="End"/> ends.</summary>
    /// <exception cref="ObjectDisposedException">The owner is disposed.</exception>
    public void Begin()
    {
        int state = Volatile.Read(ref _state);
        while (true)
        {
            ObjectDisposedException.ThrowIf((state & Disposed) != 0, owner);
            int seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state) return;
            state = seen;
        }
    }

    /// <summary>Ends a use.</summary>
    public void End()
    {
        if (Interlocked.Decrement(ref _state) == Disposed) free();
    }

    /// <summary>Throws if the owner is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It is.</exception>
    public void Check() => ObjectDisposedException.ThrowIf((Volatile.Read(ref _state) & Disposed) != 0, owner);

    /// <summary>Lets no more uses begin and frees the memory, now or at the end of the last use. Calling it again does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Or(ref _state, Disposed) == 0) free();
    }

    /// <summary>A use under way.</summary>
    public readonly ref struct Usage(Lifetime lifetime)
    {
        /// <summary>Ends it.</summary>
        public void Dispose() => lifetime.End();
    }
}
