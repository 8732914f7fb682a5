using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels;

/// <summary>Hints to the processor's caches; they change no result and do nothing where there is no such instruction.</summary>
internal static unsafe class CacheHint
{
    private const int Line = 64;

    /// <summary>Asks for memory that this core will read once and soon, past the caches that others share: a few per cent in a stream of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(byte* memory, int bytes)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < bytes; i += Line) Sse.PrefetchNonTemporal(memory + i);
    }

    /// <summary>Asks for memory that this core will read soon, into its second-level cache; does not wait for it.</summary>
    public static void ReadSoon(byte* memory, int bytes)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < bytes; i += Line) Sse.Prefetch1(memory + i);
    }
}
