using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 84 bytes, 16 sub-blocks of 16: x ≈ (d·s)·q − (dmin·m), q in 0 … 3, s and m in 0 … 15 per sub-block.
/// <code>
/// byte  0                  16                 80              82                   84
///       ┌──────────────────┬──────────────────┬───────────────┬────────────────────┐
///       │ Scales: 16 bytes │ Quants: 64 bytes │ Scale: half d │ Minimum: half dmin │
///       └──────────────────┴──────────────────┴───────────────┴────────────────────┘
/// </code>
/// Byte j of the scales holds s[j] below and m[j] above. Value 128n + 32g + l lies in bits 2g, 2g + 1 of quant byte 32n + l.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q2_K : IEncodableBlock<Q2_K>
{
    public Bytes16 Scales;
    public Bytes64 Quants;
    public Half Scale;
    public Half Minimum;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q2_K block) => Encode<PlainSearch>(values, ref block);

    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q2_K> blocks)
    {
        for (int b = 0; b < blocks.Length; b++) Encode<LaneSearch>(values.Slice(b * Length, Length), ref blocks[b]);
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

    private static void Encode<TSearch>(ReadOnlySpan<float> values, ref Q2_K block)
        where TSearch : ISubBlockSearch
    {
        Span<byte> levels = stackalloc byte[256];
        Span<float> scales = stackalloc float[16], minima = stackalloc float[16];
        TSearch.WithMinimum(values, new MinimumSearch(16, 3, -0.5f, 15, Absolute: true), scales, minima, levels);

        block = default;
        block.Scale = QuantizeHeader(scales, 0, ref block.Scales);
        block.Minimum = QuantizeHeader(minima, 4, ref block.Scales);
        float d = (float)block.Scale, dmin = (float)block.Minimum;
        for (int j = 0; j < 16; j++)
        {
            float scale = d * (block.Scales[j] & 15);
            if (scale == 0) continue;
            float minimum = dmin * (block.Scales[j] >> 4);
            VectorRounding.Levels(values.Slice(16 * j, 16), minimum, scale, 0, 3, levels[(16 * j)..]);
        }

        for (int i = 0; i < 256; i++) block.Quants[(32 * (i / 128)) + (i % 32)] |= (byte)(levels[i] << (2 * (i / 32 % 4)));
    }

    /// <summary>Rounds scales (or minima) to 4 bits; their common factor is the result.</summary>
    private static Half QuantizeHeader(ReadOnlySpan<float> scales, int shift, ref Bytes16 packed)
    {
        float max = 0;
        foreach (float scale in scales) max = MathF.Max(max, scale);
        float inverse = max > 0 ? 15 / max : 0;
        for (int j = 0; j < 16; j++) packed[j] |= (byte)(Rounding.Nearest(inverse * scales[j]) << shift);
        return HalfConversion.FromSingle(max / 15);
    }
}

/// <summary>
/// Q2_K: unit = 16 half d, 16 half dmin, per 16 values 16 scale bytes and 16 minimum bytes, two-bit fields. y = d·s·q − dmin·m.
/// </summary>
internal readonly unsafe struct PanelQ2_K : IPanelFormat<Q2_K>
{
    private const int Head = 64 + (16 * 32);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Head + SuperCrumbs.Bytes;

    public static int ZeroPoint => 0;

    public static int Largest => 3;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => SuperCrumbs.Quad<TBytes>(unit + Head, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadUInt8(unit + 64 + (32 * block));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)(unit + 32)) * TFloats.LoadUInt8(unit + 80 + (32 * block)) * TFloats.Splat(-1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q2_K* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        ((Half*)(unit + 32))[row] = block->Minimum;
        for (int j = 0; j < 16; j++)
        {
            unit[64 + (32 * j) + row] = (byte)(block->Scales[j] & 15);
            unit[80 + (32 * j) + row] = (byte)(block->Scales[j] >> 4);
        }

        SuperCrumbs.PackRow(block->Quants, row, unit + Head);
    }
}
