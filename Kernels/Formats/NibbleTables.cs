using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>The tables that 4-bit indices point into, made unsigned by adding the formats' Zero.</summary>
internal static unsafe class NibbleTables
{
    /// <summary>IQ4_NL's values −127 … 113, plus 127.</summary>
    public static byte* NonLinear
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Address([0, 23, 44, 62, 78, 92, 105, 117, 128, 140, 152, 165, 180, 196, 216, 240]);
    }

    /// <summary>Twice the E2M1 values 0, ½, 1, 1½, 2, 3, 4, 6 and their negatives, plus 12.</summary>
    public static byte* E2M1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Address([12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0]);
    }

    /// <summary>
    /// The compiler puts such constants into the image, where nothing moves; unlike a static field they cost no initialisation check.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Address(ReadOnlySpan<byte> table) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(table));
}
