using System.Runtime.InteropServices;

namespace TinyMllm.Engine;

/// <summary>
/// Asks Linux to back memory with pages of 2 MiB instead of 4 KiB. This is the only call into native code in these libraries: one request to the system, which it may ignore.
/// </summary>
/// <remarks>
/// A stream of weights touches a new small page every few hundred cycles, and on a virtual machine each costs a walk through two page tables. Linux gives huge pages unasked where
/// <c>/sys/kernel/mm/transparent_hugepage/enabled</c> says <c>always</c>; where it says <c>madvise</c>, as most distributions have it, a program has to ask.
/// </remarks>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes of a huge page on x86-64 and most of Arm64.</summary>
    public const uint Size = 2 << 20;

    /// <summary><c>MADV_HUGEPAGE</c>, the same number on every processor.</summary>
    private const int Wanted = 14;

    private static bool _available = OperatingSystem.IsLinux();

    /// <summary>
    /// Asks for huge pages where whole ones lie within the memory. Ask before anything is written there. A system that has none, or does not want to, leaves the memory as it is.
    /// </summary>
    /// <param name="memory">First byte.</param>
    /// <param name="bytes">Number of bytes.</param>
    /// <returns>Whether the system took note; not whether it has such pages at hand.</returns>
    public static bool Ask(void* memory, nuint bytes)
    {
        nuint first = ((nuint)memory + Size - 1) & ~(nuint)(Size - 1), end = ((nuint)memory + bytes) & ~(nuint)(Size - 1);
        if (!_available || end <= first) return false;
        try
        {
            return Advise((void*)first, end - first, Wanted) == 0;
        }
        catch (Exception problem) when (problem is DllNotFoundException or EntryPointNotFoundException)
        {
            _available = false;
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
