using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 64 values in 18 bytes: x ≈ d·(q − 1), q in 0 … 3, d the largest magnitude.
/// <code>
/// | d: half | 16 bytes: four values each, lowest bits first |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q2_0 : IEncodableBlock<Q2_0>
{
    public Half Scale;
    public Bytes16 Quants;

    public static int Length => 64;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q2_0 block)
    {
        float d = Rounding.Magnitude(values);
        float inverse = Rounding.InverseOrZero(d);
        block = default;
        block.Scale = HalfConversion.FromSingle(d);
        for (int i = 0; i < 64; i++)
        {
            int q = Math.Clamp(Rounding.NearestAwayFromZero(values[i] * inverse) + 1, 0, 3);
            block.Quants[i / 4] |= (byte)(q << (2 * (i % 4)));
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 64; i++) values[i] = (((Quants[i / 4] >> (2 * (i % 4))) & 3) - 1) * d;
    }
}
