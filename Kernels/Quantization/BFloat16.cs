using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Quantization;

/// <summary>The upper half of a 32-bit float: sign, 8 bits of exponent, 7 of mantissa.</summary>
internal static class BFloat16
{
    /// <summary>Exact value.</summary>
    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The nearest one, ties to even; NaN stays a (quiet) NaN.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Widens as many values as <paramref name="target"/> holds.</summary>
    public static void ToSingle(ReadOnlySpan<ushort> source, Span<float> target)
    {
        source = source[..target.Length];
        var bits = MemoryMarshal.Cast<float, uint>(target);
        for (int i = 0; i < source.Length; i++) bits[i] = (uint)source[i] << 16;
    }

    /// <summary>Narrows all of <paramref name="source"/>.</summary>
    public static void FromSingle(ReadOnlySpan<float> source, Span<ushort> target)
    {
        target = target[..source.Length];
        int i = 0;
        for (; i <= source.Length - 16; i += 16)
            Vector256.Narrow(Narrow(Vector256.Create(source.Slice(i, 8))), Narrow(Vector256.Create(source.Slice(i + 8, 8)))).CopyTo(target[i..]);
        for (; i < source.Length; i++) target[i] = FromSingle(source[i]);
    }

    private static Vector256<uint> Narrow(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        var quiet = (bits >> 16) | Vector256.Create(0x40u);
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, quiet);
    }
}
