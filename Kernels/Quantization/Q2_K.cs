using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 256 values in 84 bytes, 16 sub-blocks of 16: x ≈ (d·s)·q − (dmin·m), q in 0 … 3, s and m in 0 … 15 per sub-block.
/// <code>
/// | 16 bytes: s below, m above | 64 bytes of quants | d: half | dmin: half |
/// </code>
/// Value 128n + 32g + l lies in bits 2g, 2g + 1 of quant byte 32n + l.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q2_K : IQuantizedBlock<Q2_K>
{
    public Bytes16 Scales;
    public Bytes64 Quants;
    public Half Scale;
    public Half Minimum;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q2_K block)
    {
        Span<byte> levels = stackalloc byte[256];
        Span<float> scales = stackalloc float[16], minima = stackalloc float[16], weights = stackalloc float[16];
        float maxScale = 0, maxMinimum = 0;
        for (int j = 0; j < 16; j++)
        {
            var x = values.Slice(16 * j, 16);
            for (int i = 0; i < 16; i++) weights[i] = MathF.Abs(x[i]);
            (scales[j], minima[j]) = BlockSearch.WithMinimum(x, weights, 3, -0.5f, 0.1f, 15, absolute: true, levels[(16 * j)..]);
            maxScale = MathF.Max(maxScale, scales[j]);
            maxMinimum = MathF.Max(maxMinimum, minima[j]);
        }

        block = default;
        QuantizeHeader(scales, maxScale, 0, ref block.Scales);
        QuantizeHeader(minima, maxMinimum, 4, ref block.Scales);
        block.Scale = HalfConversion.FromSingle(maxScale / 15);
        block.Minimum = HalfConversion.FromSingle(maxMinimum / 15);

        float d = (float)block.Scale, dmin = (float)block.Minimum;
        for (int j = 0; j < 16; j++)
        {
            float scale = d * (block.Scales[j] & 15);
            if (scale == 0) continue;
            float minimum = dmin * (block.Scales[j] >> 4);
            for (int i = 16 * j; i < 16 * (j + 1); i++) levels[i] = (byte)BlockSearch.Level((values[i] + minimum) / scale, 0, 3);
        }

        for (int i = 0; i < 256; i++) block.Quants[(32 * (i / 128)) + (i % 32)] |= (byte)(levels[i] << (2 * (i / 32 % 4)));
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale, dmin = (float)Minimum;
        for (int j = 0; j < 16; j++)
        {
            float scale = d * (Scales[j] & 15);
            float minimum = dmin * (Scales[j] >> 4);
            for (int i = 16 * j; i < 16 * (j + 1); i++)
            {
                int q = (Quants[(32 * (i / 128)) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
                values[i] = (scale * q) - minimum;
            }
        }
    }

    private static void QuantizeHeader(ReadOnlySpan<float> scales, float max, int shift, ref Bytes16 packed)
    {
        if (!(max > 0)) return;
        float inverse = 15 / max;
        for (int j = 0; j < 16; j++) packed[j] |= (byte)(Rounding.Nearest(inverse * scales[j]) << shift);
    }
}
