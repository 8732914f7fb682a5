using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 256 values in 110 bytes, 16 sub-blocks of 16: x ≈ d·(s − 32)·q, q in −4 … 3, s in 0 … 63 per sub-block.
/// <code>
/// | 32 bytes of high bits | 64 bytes of low bits | 12 bytes of scales | d: half |
/// </code>
/// The low two bits of q + 4 lie as in <see cref="Q2_K"/>; its third bit is bit i / 32 of high byte i % 32. Scale j keeps its low four
/// bits in byte j % 8 (j &lt; 8 below, else above) and its high two in byte 8 + j % 4 at bit 2·(j / 4).
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q3_K : IQuantizedBlock<Q3_K>
{
    public Bytes32 HighBits;
    public Bytes64 Quants;
    public Bytes12 Scales;
    public Half Scale;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q3_K block)
    {
        Span<byte> levels = stackalloc byte[256];
        Span<float> scales = stackalloc float[16];
        for (int j = 0; j < 16; j++) scales[j] = BlockSearch.SymmetricByDescent(values.Slice(16 * j, 16), 4, levels[(16 * j)..]);

        block = default;
        float max = Rounding.SignedMaximum(scales);
        if (max != 0)
        {
            float inverse = -32 / max;
            for (int j = 0; j < 16; j++) block.SetSubScale(j, BlockSearch.Level(inverse * scales[j], -32, 31) + 32);
            block.Scale = HalfConversion.FromSingle(1 / inverse);
        }

        for (int j = 0; j < 16; j++)
        {
            float scale = (float)block.Scale * (block.SubScale(j) - 32);
            if (scale == 0) continue;
            VectorRounding.Levels(values.Slice(16 * j, 16), 0, scale, -4, 3, levels[(16 * j)..]);
        }

        for (int i = 0; i < 256; i++)
        {
            block.Quants[(32 * (i / 128)) + (i % 32)] |= (byte)((levels[i] & 3) << (2 * (i / 32 % 4)));
            block.HighBits[i % 32] |= (byte)((levels[i] >> 2) << (i / 32));
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            float scale = d * (SubScale(j) - 32);
            for (int i = 16 * j; i < 16 * (j + 1); i++)
            {
                int low = (Quants[(32 * (i / 128)) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
                int high = (HighBits[i % 32] >> (i / 32)) & 1;
                values[i] = scale * (low + (4 * high) - 4);
            }
        }
    }

    private readonly int SubScale(int j)
    {
        int low = j < 8 ? Scales[j] & 15 : Scales[j - 8] >> 4;
        int high = (Scales[8 + (j % 4)] >> (2 * (j / 4))) & 3;
        return low | (high << 4);
    }

    private void SetSubScale(int j, int scale)
    {
        Scales[j % 8] |= (byte)((scale & 15) << (j < 8 ? 0 : 4));
        Scales[8 + (j % 4)] |= (byte)((scale >> 4) << (2 * (j / 4)));
    }
}
