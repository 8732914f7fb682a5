using System.Runtime.InteropServices;

namespace TinyMllm.Engine;

/// <summary>
/// Memory outside the managed heap. Debug builds find uses of it after it was freed: its bytes become 0xFF, which is NaN in every float
/// type, so that whoever reads it computes NaN; and it is kept for a while, so that whoever writes to it is found out when it is looked at
/// again.
/// </summary>
internal static unsafe class NativeHeap
{
    /// <summary>What freed memory is filled with.</summary>
    public const byte Poison = 0xFF;

    /// <summary>Most bytes of freed memory that are kept.</summary>
    private const long Kept = 64 << 20;

    private static readonly Lock Gate = new();
    private static readonly Queue<(nint Pointer, nuint Bytes)> Freed = new();
    private static long _freedBytes;
    private static long _bytesInUse;

    /// <summary>Whether freed memory is watched: in Debug builds, and where a test wants it.</summary>
    public static bool WatchesFreed { get; set; } =
#if DEBUG
        true;
#else
        false;
#endif

    /// <summary>Bytes that were allocated and not freed yet.</summary>
    public static long BytesInUse => Interlocked.Read(ref _bytesInUse);

    /// <summary>Memory of undefined contents.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public static void* Allocate(nuint bytes, nuint alignment)
    {
        void* memory = NativeMemory.AlignedAlloc(bytes, alignment);
        Interlocked.Add(ref _bytesInUse, (long)bytes);
        return memory;
    }

    /// <summary>Frees what <see cref="Allocate"/> gave.</summary>
    /// <exception cref="InvalidOperationException">Memory that was freed earlier has been written to.</exception>
    public static void Free(void* memory, nuint bytes)
    {
        Interlocked.Add(ref _bytesInUse, -(long)bytes);
        if (!WatchesFreed)
        {
            NativeMemory.AlignedFree(memory);
            return;
        }

        NativeMemory.Fill(memory, bytes, Poison);
        lock (Gate)
        {
            Freed.Enqueue(((nint)memory, bytes));
            _freedBytes += (long)bytes;
            while (_freedBytes > Kept) LookAtOldest();
        }
    }

    /// <summary>Marks a part of an allocation as freed whose other parts live on.</summary>
    public static void FreePart(byte* memory, long bytes)
    {
        if (WatchesFreed) NativeMemory.Fill(memory, (nuint)bytes, Poison);
    }

    /// <summary>Looks at all freed memory that is kept, and gives it back to the system.</summary>
    /// <exception cref="InvalidOperationException">Some of it has been written to after it had been freed.</exception>
    public static void CheckFreed()
    {
        lock (Gate)
        {
            while (Freed.Count > 0) LookAtOldest();
        }
    }

    private static void LookAtOldest()
    {
        (nint memory, nuint bytes) = Freed.Dequeue();
        _freedBytes -= (long)bytes;
        bool intact = IsIntact((byte*)memory, bytes);
        NativeMemory.AlignedFree((void*)memory);
        if (!intact) throw new InvalidOperationException($"a buffer of {bytes} bytes was written to after it had been freed");
    }

    private static bool IsIntact(byte* memory, nuint bytes)
    {
        const int Piece = 1 << 30;
        for (nuint at = 0; at < bytes; at += Piece)
        {
            var piece = new ReadOnlySpan<byte>(memory + at, (int)Math.Min(bytes - at, Piece));
            if (piece.ContainsAnyExcept(Poison)) return false;
        }

        return true;
    }
}
