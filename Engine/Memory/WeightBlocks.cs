namespace TinyMllm.Engine;

/// <summary>
/// The blocks that <see cref="WeightMemory"/> is cut from. Many matrices lie side by side in a few large blocks, because a matrix of a small model is smaller than a huge page (2 MiB), and a
/// system that gives those gives them to large blocks only.
/// </summary>
/// <param name="allocate">Takes a number of bytes from the system, or throws <see cref="OutOfMemoryException"/>.</param>
internal sealed class WeightBlocks(Func<long, NativeBuffer<byte>> allocate)
{
    /// <summary>Only what is written to takes memory, so a small model does not pay for a large block.</summary>
    public const long BlockBytes = 64 << 20;

    private const long Alignment = 64;

    private readonly Lock _gate = new();
    private Block? _open;

    /// <summary>Blocks for which the system is asked for huge pages.</summary>
    public static WeightBlocks OfHugePages { get; } = new(bytes => NativeBuffer<byte>.OfWholePages(bytes, hugePages: true));

    /// <summary>Blocks of whatever pages the system gives.</summary>
    public static WeightBlocks OfUsualPages { get; } = new(bytes => NativeBuffer<byte>.OfWholePages(bytes, hugePages: false));

    /// <summary>Takes <paramref name="length"/> bytes of undefined contents.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public WeightMemory Take(long length)
    {
        long bytes = (length + Alignment - 1) & -Alignment;
        lock (_gate)
        {
            if (_open is { } open && open.Used + bytes <= open.Memory.Length) return open.Take(bytes, length);

            // What takes a good part of a block gets its own, and the open one goes on being filled.
            if (OperatingSystem.IsLinux() && bytes <= BlockBytes / 4 && TryAllocate(BlockBytes) is { } memory)
            {
                _open = new Block(this, memory);
                return _open.Take(bytes, length);
            }

            return new Block(this, allocate(bytes)).Take(bytes, length);
        }
    }

    /// <summary>A narrow address space (<c>ulimit -v</c>) may have no room for a whole block, but still for the matrix.</summary>
    private NativeBuffer<byte>? TryAllocate(long bytes)
    {
        try
        {
            return allocate(bytes);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>One piece of memory with the matrices in it; it goes with the last of them.</summary>
    internal sealed class Block(WeightBlocks owner, NativeBuffer<byte> memory)
    {
        private int _matrices;

        public NativeBuffer<byte> Memory { get; } = memory;

        public long Used { get; private set; }

        public WeightMemory Take(long bytes, long length)
        {
            var taken = new WeightMemory(this, Used, length);
            Used += bytes;
            _matrices++;
            return taken;
        }

        public void Return()
        {
            lock (owner._gate)
            {
                if (--_matrices > 0) return;
                Memory.Dispose();
                if (owner._open == this) owner._open = null;
            }
        }
    }
}
