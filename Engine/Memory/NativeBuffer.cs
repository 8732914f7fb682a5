using System.Runtime.InteropServices;

namespace TinyMllm.Engine;

/// <summary>
/// Memory outside the managed heap, aligned to a cache line (64 bytes), so that kernels may hold plain pointers.
/// <see cref="Dispose"/> frees it; nothing is freed by a finalizer.
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
public sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const uint Alignment = 64;

    /// <summary>Bytes of a huge page on x86-64 and most of Arm64.</summary>
    private const uint HugePage = 2 << 20;

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
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        Pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, alignment), alignment);
        Length = length;
    }

    /// <summary>First element; null after <see cref="Dispose"/>.</summary>
    public T* Pointer { get; private set; }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The elements as a span; for buffers of fewer than 2³¹ elements.</summary>
    public Span<T> Span => new(Pointer, checked((int)Length));

    /// <summary>A buffer that begins on a boundary of 2 MiB where it is as large: what a system needs that backs memory with huge pages. Contents undefined.</summary>
    internal static NativeBuffer<T> OfWholePages(long length) => new(length, length >= HugePage / sizeof(T) ? HugePage : Alignment);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
