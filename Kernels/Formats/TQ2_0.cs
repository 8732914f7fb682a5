using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 ternary values in 66 bytes: x ≈ d·(q − 1), q in 0 … 2.
/// <code>
/// | 64 bytes: bits 2n, 2n + 1 of byte 32b + m hold value 128b + 32n + m | d: half |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct TQ2_0 : IEncodableBlock<TQ2_0>
{
    public Bytes64 Quants;
    public Half Scale;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref TQ2_0 block)
    {
        float d = Rounding.Magnitude(values);
        float inverse = Rounding.InverseOrZero(d);
        block = default;
        block.Scale = HalfConversion.FromSingle(d);
        for (int i = 0; i < 256; i++)
        {
            int q = Rounding.NearestAwayFromZero(values[i] * inverse) + 1;
            block.Quants[(32 * (i / 128)) + (i % 32)] |= (byte)((q & 3) << (2 * (i / 32 % 4)));
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 256; i++)
        {
            int q = (Quants[(32 * (i / 128)) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
            values[i] = (q - 1) * d;
        }
    }
}
