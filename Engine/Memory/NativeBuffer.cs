using System.Runtime.InteropServices;

namespace TinyMllm.Engine;

/// <summary>
/// Memory outside the managed heap, aligned to a cache line (64 bytes), so that kernels may hold plain pointers.
/// <see cref="Dispose"/> frees it; nothing is freed by a finalizer.
/// </summary>
/// <remarks>
/// Asking a disposed buffer for its memory is an error; a pointer or span that was taken before is not followed, so do not dispose a
/// buffer while something computes with it. In Debug builds freed memory reads as NaN for a while, and writing to it is found out.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
public sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const uint Alignment = 64;

    private readonly nuint _bytes;
    private nint _memory;

    /// <summary>Allocates <paramref name="length"/> elements.</summary>
    /// <param name="length">Number of elements.</param>
    /// <param name="clear">Whether they start as zero.</param>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public NativeBuffer(long length, bool clear = false)
        : this(length, Alignment)
    {
        if (clear) NativeMemory.Clear(Pointer, (nuint)length * (nuint)sizeof(T));
    }

    private NativeBuffer(long length, uint alignment)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _bytes = Math.Max(checked((nuint)length * (nuint)sizeof(T)), alignment);
        _memory = (nint)NativeHeap.Allocate(_bytes, alignment);
        Length = length;
    }

    /// <summary>First element.</summary>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public T* Pointer
    {
        get
        {
            nint memory = Volatile.Read(ref _memory);
            ObjectDisposedException.ThrowIf(memory == 0, this);
            return (T*)memory;
        }
    }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The elements as a span; for buffers of fewer than 2³¹ elements.</summary>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public Span<T> Span => new(Pointer, checked((int)Length));

    /// <summary>A buffer that begins on a boundary of 2 MiB where it is as large: what a system needs that backs memory with huge pages. Contents undefined.</summary>
    /// <param name="length">Number of elements.</param>
    /// <param name="hugePages">Whether the system is asked for them.</param>
    internal static NativeBuffer<T> OfWholePages(long length, bool hugePages)
    {
        var buffer = new NativeBuffer<T>(length, length >= HugePages.Size / sizeof(T) ? HugePages.Size : Alignment);
        if (hugePages) HugePages.Ask(buffer.Pointer, buffer._bytes);
        return buffer;
    }

    /// <summary>Frees the memory. Calling it again does nothing.</summary>
    public void Dispose()
    {
        nint memory = Interlocked.Exchange(ref _memory, 0);
        if (memory != 0) NativeHeap.Free((void*)memory, _bytes);
    }
}
