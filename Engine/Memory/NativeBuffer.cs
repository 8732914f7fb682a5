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
    private const int Alignment = 64;

    /// <summary>Allocates <paramref name="length"/> elements.</summary>
    /// <param name="length">Number of elements.</param>
    /// <param name="clear">Whether they start as zero.</param>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public NativeBuffer(long length, bool clear = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        Pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, Alignment), Alignment);
        Length = length;
        if (clear) NativeMemory.Clear(Pointer, bytes);
    }

    /// <summary>First element; null after <see cref="Dispose"/>.</summary>
    public T* Pointer { get; private set; }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The elements as a span; for buffers of fewer than 2³¹ elements.</summary>
    public Span<T> Span => new(Pointer, checked((int)Length));

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
