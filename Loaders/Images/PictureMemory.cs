using System.Buffers;
using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images;

/// <summary>
/// The pixels of the large pictures of one request, outside the garbage collector's heap, which keeps what such pictures took for the next
/// ones even when there are none. Small ones stay in the heap. Disposed when the request is over, so its pictures must not leave it.
/// </summary>
/// <param name="heapUpTo">Largest picture, in bytes, that is left to the heap.</param>
internal sealed class PictureMemory(long heapUpTo) : IDisposable
{
    private static long s_bytesInUse;

    private readonly Lock _gate = new();
    private readonly List<NativePixels> _pixels = [];
    private bool _isDisposed;

    /// <summary>Bytes that all of them hold now.</summary>
    public static long BytesInUse => Interlocked.Read(ref s_bytesInUse);

    /// <summary>Memory of zeros for a picture.</summary>
    public Memory<byte> Rent(int bytes)
    {
        if (bytes <= heapUpTo) return new byte[bytes];
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var pixels = new NativePixels(bytes);
            _pixels.Add(pixels);
            return pixels.Memory;
        }
    }

    /// <summary>Gives the memory back to the system.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            foreach (IDisposable pixels in _pixels) pixels.Dispose();
            _pixels.Clear();
        }
    }

    private sealed unsafe class NativePixels : MemoryManager<byte>
    {
        private readonly int _length;
        private byte* _pixels;

        public NativePixels(int length)
        {
            _length = length;
            _pixels = (byte*)NativeMemory.AllocZeroed((nuint)length);
            Interlocked.Add(ref s_bytesInUse, length);
        }

        public override Span<byte> GetSpan()
        {
            ObjectDisposedException.ThrowIf(_pixels is null, typeof(RgbImage));
            return new Span<byte>(_pixels, _length);
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ObjectDisposedException.ThrowIf(_pixels is null, typeof(RgbImage));
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)_length, nameof(elementIndex));
            return new MemoryHandle(_pixels + elementIndex);
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (_pixels is null) return;
            NativeMemory.Free(_pixels);
            _pixels = null;
            Interlocked.Add(ref s_bytesInUse, -_length);
        }
    }
}
