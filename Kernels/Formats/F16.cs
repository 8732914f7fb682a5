using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 16-bit IEEE floats.
/// <code>
/// | sign: 1 bit | exponent: 5 | mantissa: 10 |
/// </code>
/// </summary>
internal readonly unsafe struct F16 : IFloatFormat<ushort>
{
    public static int Bytes => 2;

    public static ushort Exponent => 0x7C00;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source)
        where T : unmanaged, IFloatLanes<T> => T.LoadFiniteHalf((ushort*)source);

    public static void Decode(ReadOnlySpan<ushort> stored, Span<float> values) =>
        HalfConversion.ToSingle(MemoryMarshal.Cast<ushort, Half>(stored), values);

    public static void Encode(ReadOnlySpan<float> values, Span<ushort> stored) =>
        HalfConversion.FromSingle(values, MemoryMarshal.Cast<ushort, Half>(stored));
}
