using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 256 values in 210 bytes, 16 sub-blocks of 16: x ≈ (d·s)·(q − 32), q in 0 … 63, s in −128 … 127 per sub-block.
/// <code>
/// | 128 bytes of low bits | 64 bytes of high bits | 16 signed bytes: s | d: half |
/// </code>
/// In each half n of the block, value 128n + 32g + l has its low four bits in byte 64n + 32·(g % 2) + l (g &lt; 2 below, else above) and
/// its high two in bits 2g, 2g + 1 of high byte 32n + l.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q6_K : IQuantizedBlock<Q6_K>
{
    public Bytes128 LowBits;
    public Bytes64 HighBits;
    public Bytes16 Scales;
    public Half Scale;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q6_K block) => Encode<PlainSearch>(values, ref block);

    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q6_K> blocks)
    {
        for (int b = 0; b < blocks.Length; b++) Encode<LaneSearch>(values.Slice(b * Length, Length), ref blocks[b]);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            float scale = d * (sbyte)Scales[j];
            for (int i = 16 * j; i < 16 * (j + 1); i++)
            {
                var (n, g, l) = (i / 128, i / 32 % 4, i % 32);
                int low = (LowBits[(64 * n) + (32 * (g % 2)) + l] >> (4 * (g / 2))) & 15;
                int high = (HighBits[(32 * n) + l] >> (2 * g)) & 3;
                values[i] = scale * ((low | (high << 4)) - 32);
            }
        }
    }

    private static void Encode<TSearch>(ReadOnlySpan<float> values, ref Q6_K block)
        where TSearch : ISubBlockSearch
    {
        Span<byte> levels = stackalloc byte[256];
        Span<float> scales = stackalloc float[16];
        TSearch.Symmetric(values, 32, scales, levels);

        block = default;
        float max = Rounding.SignedMaximum(scales);
        if (MathF.Abs(max) < Rounding.Epsilon) return;

        float inverse = -128 / max;
        block.Scale = HalfConversion.FromSingle(1 / inverse);
        for (int j = 0; j < 16; j++)
        {
            sbyte s = (sbyte)Math.Min(127, Rounding.Nearest(inverse * scales[j]));
            block.Scales[j] = (byte)s;
            float scale = (float)block.Scale * s;
            if (scale == 0) continue;
            VectorRounding.Levels(values.Slice(16 * j, 16), 0, scale, -32, 31, levels[(16 * j)..]);
        }

        for (int i = 0; i < 256; i++)
        {
            var (n, g, l) = (i / 128, i / 32 % 4, i % 32);
            block.LowBits[(64 * n) + (32 * (g % 2)) + l] |= (byte)((levels[i] & 15) << (4 * (g / 2)));
            block.HighBits[(32 * n) + l] |= (byte)((levels[i] >> 4) << (2 * g));
        }
    }
}
