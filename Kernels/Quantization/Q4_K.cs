using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 256 values in 144 bytes, 8 sub-blocks of 32: x ≈ (d·s)·q − (dmin·m), q in 0 … 15, s and m in 0 … 63 per sub-block.
/// <code>
/// | d: half | dmin: half | 12 bytes: s and m (<see cref="ScalesAndMinima"/>) | 128 bytes of quants |
/// </code>
/// Quant byte 32k + l holds value 64k + l below and 64k + 32 + l above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q4_K : IQuantizedBlock<Q4_K>
{
    public Half Scale;
    public Half Minimum;
    public Bytes12 Scales;
    public Bytes128 Quants;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q4_K block)
    {
        Span<byte> levels = stackalloc byte[256];
        (block.Scale, block.Minimum) = EncodeLevels(values, 15, -1, 20, block.Scales, levels);
        for (int k = 0; k < 4; k++)
            for (int l = 0; l < 32; l++)
                block.Quants[(32 * k) + l] = (byte)(levels[(64 * k) + l] | (levels[(64 * k) + 32 + l] << 4));
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale, dmin = (float)Minimum;
        for (int j = 0; j < 8; j++)
        {
            var (s, m) = ScalesAndMinima.Unpack(Scales, j);
            float scale = d * s, minimum = dmin * m;
            for (int l = 0; l < 32; l++)
            {
                int q = (Quants[(32 * (j / 2)) + l] >> (4 * (j % 2))) & 15;
                values[(32 * j) + l] = (scale * q) - minimum;
            }
        }
    }

    /// <summary>What Q4_K and Q5_K share: scales, minima and levels 0 … <paramref name="limit"/> of 256 values.</summary>
    /// <returns>d and dmin.</returns>
    public static (Half Scale, Half Minimum) EncodeLevels(
        ReadOnlySpan<float> values, int limit, float firstStep, int steps, Span<byte> packedScales, Span<byte> levels)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8], weights = stackalloc float[32];
        for (int j = 0; j < 8; j++)
        {
            var x = values.Slice(32 * j, 32);
            float sumOfSquares = 0;
            foreach (float v in x) sumOfSquares += v * v;
            float average = MathF.Sqrt(sumOfSquares / 32);
            for (int i = 0; i < 32; i++) weights[i] = average + MathF.Abs(x[i]);
            (scales[j], minima[j]) = BlockSearch.WithMinimum(x, weights, limit, firstStep, 0.1f, steps, absolute: false, levels[(32 * j)..]);
        }

        return RequantizeLevels(values, limit, scales, minima, packedScales, levels);
    }

    /// <summary>Rounds the scales to 6 bits, then the levels again with what the scales became.</summary>
    public static (Half Scale, Half Minimum) RequantizeLevels(
        ReadOnlySpan<float> values, int limit, ReadOnlySpan<float> scales, ReadOnlySpan<float> minima, Span<byte> packedScales, Span<byte> levels)
    {
        Span<byte> s = stackalloc byte[8], m = stackalloc byte[8];
        Half d = QuantizeHeader(scales, s), dmin = QuantizeHeader(minima, m);
        ScalesAndMinima.Pack(s, m, packedScales);
        for (int j = 0; j < 8; j++)
        {
            float scale = (float)d * s[j], minimum = (float)dmin * m[j];
            if (scale == 0) continue;
            for (int i = 32 * j; i < 32 * (j + 1); i++) levels[i] = (byte)BlockSearch.Level((values[i] + minimum) / scale, 0, limit);
        }

        return (d, dmin);
    }

    private static Half QuantizeHeader(ReadOnlySpan<float> scales, Span<byte> quantized)
    {
        float max = 0;
        foreach (float scale in scales) max = MathF.Max(max, scale);
        float inverse = max > 0 ? 63 / max : 0;
        for (int j = 0; j < 8; j++) quantized[j] = Math.Min((byte)63, (byte)Rounding.Nearest(inverse * scales[j]));
        return HalfConversion.FromSingle(max / 63);
    }
}
