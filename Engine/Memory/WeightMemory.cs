namespace TinyMllm.Engine;

/// <summary>
/// Memory of one packed matrix. Many lie side by side in a few large blocks, because a matrix of a small model is smaller than a huge page (2 MiB), and a system that gives those gives
/// them to large blocks only.
/// </summary>
/// <remarks>
/// A stream of weights touches a new page of 4 KiB every few hundred cycles; on a virtual machine each costs a walk through two page tables. With huge pages two threads read a quarter
/// more bytes a second. Linux gives them unasked where <c>/sys/kernel/mm/transparent_hugepage/enabled</c> says <c>always</c>. Where it says <c>madvise</c> a program has to ask, for which
/// .NET has no call, but the C library does it with <c>GLIBC_TUNABLES=glibc.malloc.hugetlb=1</c> in the environment.
/// </remarks>
internal sealed unsafe class WeightMemory : IDisposable
{
    /// <summary>Only what is written to takes memory, so a small model does not pay for a large block.</summary>
    private const long BlockBytes = 64 << 20;

    private const long Alignment = 64;

    private static readonly Lock Gate = new();
    private static Block? _open;

    private Block? _block;
    private byte* _pointer;

    private WeightMemory(Block block, long offset, long length)
    {
        _block = block;
        _pointer = block.Memory.Pointer + offset;
        Length = length;
    }

    /// <summary>First byte, aligned to a cache line.</summary>
    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == null, this);
            return _pointer;
        }
    }

    /// <summary>First byte, or null if the memory was given back: for hints to the processor, which may name any address.</summary>
    public byte* Hint => _pointer;

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>Takes <paramref name="length"/> bytes of undefined contents.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public static WeightMemory Take(long length)
    {
        long bytes = (length + Alignment - 1) & -Alignment;
        lock (Gate)
        {
            if (_open is { } open && open.Used + bytes <= open.Memory.Length) return open.Take(bytes, length);

            // What takes a good part of a block gets its own, and the open one goes on being filled.
            bool shared = OperatingSystem.IsLinux() && bytes <= BlockBytes / 4;
            var block = new Block(shared ? BlockBytes : bytes);
            if (shared) _open = block;
            return block.Take(bytes, length);
        }
    }

    /// <summary>Gives the memory back; a block goes with the last of its matrices.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            if (_block is not { } block) return;
            NativeHeap.FreePart(_pointer, Length);
            _block = null;
            _pointer = null;
            if (--block.Matrices > 0) return;
            block.Memory.Dispose();
            if (_open == block) _open = null;
        }
    }

    private sealed class Block(long bytes)
    {
        public NativeBuffer<byte> Memory { get; } = NativeBuffer<byte>.OfWholePages(bytes);

        public long Used { get; private set; }

        public int Matrices { get; set; }

        public WeightMemory Take(long bytes, long length)
        {
            var taken = new WeightMemory(this, Used, length);
            Used += bytes;
            Matrices++;
            return taken;
        }
    }
}
