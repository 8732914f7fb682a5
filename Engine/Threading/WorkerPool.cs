using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Engine;

/// <summary>A loop body that <see cref="WorkerPool.For{TBody}"/> runs for every index, each exactly once, on any thread.</summary>
public interface IParallelBody
{
    /// <summary>Does the part of the work with number <paramref name="index"/>.</summary>
    void Run(int index);
}

/// <summary>
/// The engine's own threads: the caller and <see cref="Threads"/> − 1 workers take the indices of a loop from one shared counter.
/// Workers spin for a while after a loop, because the next one follows soon, then sleep: an idle engine burns no CPU.
/// </summary>
/// <remarks>
/// The state of the current loop is one 64-bit word, [loop number : 24 | index count : 20 | next index : 20]. Taking an index is one atomic
/// increment that also tells which loop the index belongs to, so a worker that comes late (it was asleep) finds nothing left and nobody waits for it:
/// the caller waits for indices, not for threads. Nothing is allocated per loop. Loops of different callers take turns; a loop inside a loop runs on its own thread.
/// </remarks>
public sealed unsafe class WorkerPool : IDisposable
{
    private const int IndexBits = 20;
    private const long IndexMask = (1L << IndexBits) - 1;

    /// <summary>Largest number of indices in one loop; the rest of the 20 bits absorbs overshooting threads.</summary>
    private const int MaxCount = (1 << IndexBits) - 4096;

    /// <summary>Rounds of spinning before a worker without work goes to sleep.</summary>
    private const int SpinRounds = 2000;

    [ThreadStatic]
    private static bool _insideLoop;

    private readonly Lock _gate = new();
    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private Exception? _failure;
    private volatile bool _stop;
    private Shared _shared;

    /// <summary>Starts the workers.</summary>
    /// <param name="threads">Threads that take part, the caller included; 0 = one per processor.</param>
    public WorkerPool(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        _workers = new Thread[Threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"TinyMllm worker {i + 1}" };
            _workers[i].Start();
        }
    }

    /// <summary>Threads that take part in a loop, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs <paramref name="body"/> for 0 … <paramref name="count"/> − 1 and returns when all are done.</summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public void For<TBody>(int count, ref TBody body)
        where TBody : struct, IParallelBody
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        if (count <= 1 || _workers.Length == 0 || _insideLoop)
        {
            for (int i = 0; i < count; i++) body.Run(i);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxCount);
        lock (_gate)
        {
            _insideLoop = true;
            try
            {
                // The body lives on this thread's stack (or is otherwise kept by the caller) until the loop is over.
                _shared.Body = (nint)Unsafe.AsPointer(ref body);
                _shared.Invoke = (nint)(delegate*<nint, int, void>)&Invoke<TBody>;
                _shared.Done = 0;
                long loop = (_shared.Ticket >> (2 * IndexBits)) + 1;
                Interlocked.Exchange(ref _shared.Ticket, (loop << (2 * IndexBits)) | ((long)count << IndexBits));
                int sleepers = Volatile.Read(ref _shared.Sleepers);
                if (sleepers > 0) _wake.Release(Math.Min(sleepers, count - 1));

                TakeIndices();
                for (int spin = 0; Volatile.Read(ref _shared.Done) < count; spin++) Pause(spin);
            }
            finally
            {
                _insideLoop = false;
            }

            if (_failure is { } failure)
            {
                _failure = null;
                throw new InvalidOperationException("a parallel loop failed: " + failure.Message, failure);
            }
        }
    }

    /// <summary>Ends the workers; waits for them.</summary>
    public void Dispose()
    {
        if (_stop) return;
        lock (_gate)
        {
            _stop = true;
            if (_workers.Length > 0) _wake.Release(_workers.Length);
        }

        foreach (var worker in _workers) worker.Join();
        _wake.Dispose();
    }

    private static void Invoke<TBody>(nint body, int index)
        where TBody : struct, IParallelBody => Unsafe.AsRef<TBody>((void*)body).Run(index);

    private static void Pause(int spin)
    {
        // A worker that lost its processor holds an index: let it run.
        if (spin > 4 * SpinRounds) Thread.Yield();
        else Thread.SpinWait(1);
    }

    private void Work()
    {
        _insideLoop = true;
        long seen = 0;
        while (!_stop)
        {
            int spin = 0;
            while (!_stop && !HasWork(seen) && spin < SpinRounds)
            {
                Thread.SpinWait(4);
                spin++;
            }

            if (spin == SpinRounds)
            {
                Interlocked.Increment(ref _shared.Sleepers);
                if (!_stop && !HasWork(seen)) _wake.Wait();
                Interlocked.Decrement(ref _shared.Sleepers);
                continue;
            }

            seen = TakeIndices();
        }
    }

    /// <summary>True if the current loop is not <paramref name="seen"/> and has indices left.</summary>
    private bool HasWork(long seen)
    {
        long ticket = Volatile.Read(ref _shared.Ticket);
        return ticket >> (2 * IndexBits) != seen && (ticket & IndexMask) < ((ticket >> IndexBits) & IndexMask);
    }

    /// <summary>Runs indices until the loop has none left; returns the number of that loop.</summary>
    private long TakeIndices()
    {
        while (true)
        {
            long ticket = Interlocked.Increment(ref _shared.Ticket) - 1;
            int index = (int)(ticket & IndexMask);
            if (index >= ((ticket >> IndexBits) & IndexMask)) return ticket >> (2 * IndexBits);

            // Holding an index keeps its loop alive, so body and function are those of the ticket.
            try
            {
                ((delegate*<nint, int, void>)_shared.Invoke)(_shared.Body, index);
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref _failure, failure, null);
            }

            Interlocked.Increment(ref _shared.Done);
        }
    }

    /// <summary>Fields that several threads write, each on cache lines of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 640)]
    private struct Shared
    {
        [FieldOffset(128)]
        public long Ticket;

        [FieldOffset(256)]
        public int Done;

        [FieldOffset(384)]
        public nint Body;

        [FieldOffset(392)]
        public nint Invoke;

        [FieldOffset(512)]
        public int Sleepers;
    }
}
