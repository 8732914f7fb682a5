using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 32 values in 34 bytes: x ≈ d·q, q in −127 … 127.
/// <code>
/// | d: half | 32 signed bytes |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q8_0 : IQuantizedBlock<Q8_0>
{
    public Half Scale;
    public Bytes32 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q8_0 block)
    {
        float d = Rounding.Magnitude(values) / 127;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        for (int j = 0; j < 32; j++) block.Quants[j] = (byte)Rounding.NearestAwayFromZero(values[j] * inverse);
    }

    /// <summary>32 values in four vectors. A scale whose inverse is not finite (all values below 2⁻¹²⁶) goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q8_0> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            float d = VectorRounding.Magnitude(x) / 127;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            VectorRounding.NearestAwayFromZero(x, inverse).AsByte().CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 32; j++) values[j] = (sbyte)Quants[j] * d;
    }
}
