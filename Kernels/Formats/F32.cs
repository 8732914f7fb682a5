using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32-bit IEEE floats.
/// <code>
/// | sign: 1 bit | exponent: 8 | mantissa: 23 |
/// </code>
/// </summary>
internal readonly unsafe struct F32 : IFloatFormat<uint>
{
    public static int Bytes => 4;

    public static uint Exponent => 0x7F800000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source)
        where T : unmanaged, IFloatLanes<T> => T.Load((float*)source);

    public static void Decode(ReadOnlySpan<uint> stored, Span<float> values) =>
        MemoryMarshal.Cast<uint, float>(stored)[..values.Length].CopyTo(values);

    public static void Encode(ReadOnlySpan<float> values, Span<uint> stored) => values.CopyTo(MemoryMarshal.Cast<uint, float>(stored));
}
