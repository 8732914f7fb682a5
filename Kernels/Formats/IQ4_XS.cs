using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 136 bytes, 8 sub-blocks of 32: x ≈ d·(s − 32)·K[q] with the table K of <see cref="IQ4_NL"/>, s in 0 … 63 per sub-block.
/// <code>
/// byte  0               2                     4                    8                   136
///       ┌───────────────┬─────────────────────┬────────────────────┬───────────────────┐
///       │ Scale: half d │ HighScales: 16 bits │ LowScales: 4 bytes │ Quants: 128 bytes │
///       └───────────────┴─────────────────────┴────────────────────┴───────────────────┘
/// </code>
/// Bits 2j, 2j + 1 of the high scales and four bits of low byte j / 2 (even j below) are s[j]. Sub-block j has 16 quant bytes; byte l holds
/// its value l below and l + 16 above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct IQ4_XS : IEncodableBlock<IQ4_XS>
{
    public Half Scale;
    public ushort HighScales;
    public Bytes4 LowScales;
    public Bytes128 Quants;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref IQ4_XS block) => Encode<PlainSearch>(values, ref block);

    public static void EncodeRun(ReadOnlySpan<float> values, Span<IQ4_XS> blocks)
    {
        for (int b = 0; b < blocks.Length; b++) Encode<LaneSearch>(values.Slice(b * Length, Length), ref blocks[b]);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 8; j++)
        {
            float scale = d * (SubScale(j) - 32);
            for (int l = 0; l < 16; l++)
            {
                int q = Quants[(16 * j) + l];
                values[(32 * j) + l] = scale * IQ4_NL.Levels[q & 15];
                values[(32 * j) + l + 16] = scale * IQ4_NL.Levels[q >> 4];
            }
        }
    }

    /// <summary>Scale of sub-block <paramref name="j"/>, 0 … 63.</summary>
    public readonly int SubScale(int j) => ((LowScales[j / 2] >> (4 * (j % 2))) & 15) | (((HighScales >> (2 * j)) & 3) << 4);

    private static void Encode<TSearch>(ReadOnlySpan<float> values, ref IQ4_XS block)
        where TSearch : ISubBlockSearch
    {
        Span<float> scales = stackalloc float[8];
        TSearch.NonLinear(values, scales);

        block = default;
        float d = -Rounding.SignedMaximum(scales) / 32;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        for (int j = 0; j < 8; j++)
        {
            int s = BlockSearch.Level(inverse * scales[j], -32, 31);
            block.SetSubScale(j, s + 32);
            IQ4_NL.EncodeLevels(values.Slice(32 * j, 32), Rounding.InverseOrZero(d * s), block.Quants[(16 * j)..]);
        }
    }

    private void SetSubScale(int j, int scale)
    {
        LowScales[j / 2] |= (byte)((scale & 15) << (4 * (j % 2)));
        HighScales |= (ushort)((scale >> 4) << (2 * j));
    }
}

/// <summary>
/// IQ4_XS: unit = 16 half d, 8 vectors of 16 signed scale bytes (the file's 6-bit field minus 32), 8 times <see cref="LegacyNibbles"/>.
/// </summary>
internal readonly unsafe struct PanelIQ4_XS : IPanelFormat<IQ4_XS>
{
    private const int Nibbles = 32 + (8 * 16);

    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => Nibbles + (8 * LegacyNibbles.Bytes);

    public static int ZeroPoint => 127;

    public static int Largest => 240;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.LookUp(NibbleTables.NonLinear, LegacyNibbles.Quad<TBytes>(unit + Nibbles + (part * LegacyNibbles.Bytes), quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + 32 + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(IQ4_XS* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        for (int j = 0; j < 8; j++)
        {
            ((sbyte*)unit)[32 + (16 * j) + row] = (sbyte)(block->SubScale(j) - 32);
            LegacyNibbles.PackRow(((ReadOnlySpan<byte>)block->Quants).Slice(16 * j, 16), row, unit + Nibbles + (j * LegacyNibbles.Bytes));
        }
    }
}
