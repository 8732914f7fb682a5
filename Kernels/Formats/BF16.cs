using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// The upper half of a 32-bit float.
/// <code>
/// | sign: 1 bit | exponent: 8 | mantissa: 7 |
/// </code>
/// </summary>
internal readonly unsafe struct BF16 : IFloatFormat<ushort>
{
    public static int Bytes => 2;

    public static ushort Exponent => 0x7F80;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source)
        where T : unmanaged, IFloatLanes<T> => T.LoadBFloat((ushort*)source);

    public static void Decode(ReadOnlySpan<ushort> stored, Span<float> values)
    {
        stored = stored[..values.Length];
        var bits = MemoryMarshal.Cast<float, uint>(values);
        for (int i = 0; i < stored.Length; i++) bits[i] = (uint)stored[i] << 16;
    }

    public static void Encode(ReadOnlySpan<float> values, Span<ushort> stored)
    {
        stored = stored[..values.Length];
        int i = 0;
        for (; i <= values.Length - 16; i += 16)
            Vector256.Narrow(Narrow(Vector256.Create(values.Slice(i, 8))), Narrow(Vector256.Create(values.Slice(i + 8, 8)))).CopyTo(stored[i..]);
        for (; i < values.Length; i++) stored[i] = FromSingle(values[i]);
    }

    /// <summary>The nearest one, ties to even; NaN stays a (quiet) NaN.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static Vector256<uint> Narrow(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        var quiet = (bits >> 16) | Vector256.Create(0x40u);
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, quiet);
    }
}
