using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 110 bytes, 16 sub-blocks of 16: x ≈ d·(s − 32)·q, q in −4 … 3, s in 0 … 63 per sub-block.
/// <code>
/// byte  0                    32                 96                 108             110
///       ┌────────────────────┬──────────────────┬──────────────────┬───────────────┐
///       │ HighBits: 32 bytes │ Quants: 64 bytes │ Scales: 12 bytes │ Scale: half d │
///       └────────────────────┴──────────────────┴──────────────────┴───────────────┘
/// </code>
/// The low two bits of q + 4 lie as in <see cref="Q2_K"/>; its third bit is bit i / 32 of high byte i % 32. Scale j keeps its low four bits
/// in byte j % 8 (j &lt; 8 below, else above) and its high two in byte 8 + j % 4 at bit 2·(j / 4).
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q3_K : IEncodableBlock<Q3_K>
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

    /// <summary>Scale of sub-block <paramref name="j"/>, 0 … 63.</summary>
    public readonly int SubScale(int j)
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

/// <summary>
/// Q3_K: unit = 16 half d, 16 vectors of 16 signed scale bytes (the file's 6-bit field minus 32), 8 vectors of third bits (vector g, bit j:
/// quad g of 32-value part j), two-bit fields. y = d·scale·(q − 4).
/// </summary>
internal readonly unsafe struct PanelQ3_K : IPanelFormat<Q3_K>
{
    private const int High = 32 + (16 * 16);
    private const int Low = High + (8 * 64);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Low + SuperCrumbs.Bytes;

    public static int ZeroPoint => 4;

    public static int Largest => 7;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + High + (64 * quad)), part) & TBytes.Splat(1);
        return SuperCrumbs.Quad<TBytes>(unit + Low, part, quad) | TBytes.ShiftLeft(high, 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + 32 + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q3_K* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        for (int j = 0; j < 16; j++) ((sbyte*)unit)[32 + (16 * j) + row] = (sbyte)(block->SubScale(j) - 32);
        PanelWords.Pack(block->HighBits, row, unit + High);
        SuperCrumbs.PackRow(block->Quants, row, unit + Low);
    }
}
