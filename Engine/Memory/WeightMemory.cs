namespace TinyMllm.Engine;

/// <summary>Memory of one packed matrix, a part of a larger block: see <see cref="WeightBlocks"/>.</summary>
internal sealed unsafe class WeightMemory : IDisposable
{
    private WeightBlocks.Block? _block;
    private byte* _pointer;

    /// <param name="block">What it is a part of.</param>
    /// <param name="offset">First byte within the block.</param>
    /// <param name="length">Number of bytes.</param>
    public WeightMemory(WeightBlocks.Block block, long offset, long length)
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
    /// <param name="length">Number of bytes.</param>
    /// <param name="hugePages">Whether the system is asked for huge pages.</param>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public static WeightMemory Take(long length, bool hugePages = true) => (hugePages ? WeightBlocks.OfHugePages : WeightBlocks.OfUsualPages).Take(length);

    /// <summary>Gives the memory back; a block goes with the last of its matrices.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _block, null) is not { } block) return;
        NativeHeap.FreePart(_pointer, Length);
        _pointer = null;
        block.Return();
    }
}
