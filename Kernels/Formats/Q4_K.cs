using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 144 bytes, 8 sub-blocks of 32: x ≈ (d·s)·q − (dmin·m), q in 0 … 15, s and m in 0 … 63 per sub-block.
/// <code>
/// byte  0               2                    4                  16                  144
///       ┌───────────────┬────────────────────┬──────────────────┬───────────────────┐
///       │ Scale: half d │ Minimum: half dmin │ Scales: 12 bytes │ Quants: 128 bytes │
///       └───────────────┴────────────────────┴──────────────────┴───────────────────┘
/// </code>
/// The scales are s and m as <see cref="ScalesAndMinima"/> has them. Quant byte 32k + l holds value 64k + l below and 64k + 32 + l above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q4_K : IEncodableBlock<Q4_K>
{
    public Half Scale;
    public Half Minimum;
    public Bytes12 Scales;
    public Bytes128 Quants;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q4_K block) => Encode<PlainSearch>(values, ref block);

    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q4_K> blocks)
    {
        for (int b = 0; b < blocks.Length; b++) Encode<LaneSearch>(values.Slice(b * Length, Length), ref blocks[b]);
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

    /// <summary>
    /// What Q4_K and Q5_K share: scales, minima and levels 0 … limit of 256 values. The levels are chosen by the search, then again
    /// for the scales after rounding to 6 bits.
    /// </summary>
    /// <returns>d and dmin.</returns>
    public static (Half Scale, Half Minimum) EncodeLevels<TSearch>(
        ReadOnlySpan<float> values, MinimumSearch search, Span<byte> packedScales, Span<byte> levels)
        where TSearch : ISubBlockSearch
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        TSearch.WithMinimum(values, search, scales, minima, levels);

        Span<byte> s = stackalloc byte[8], m = stackalloc byte[8];
        Half d = QuantizeHeader(scales, s), dmin = QuantizeHeader(minima, m);
        ScalesAndMinima.Pack(s, m, packedScales);
        for (int j = 0; j < 8; j++)
        {
            float scale = (float)d * s[j], minimum = (float)dmin * m[j];
            if (scale == 0) continue;
            VectorRounding.Levels(values.Slice(32 * j, 32), minimum, scale, 0, search.Limit, levels[(32 * j)..]);
        }

        return (d, dmin);
    }

    private static void Encode<TSearch>(ReadOnlySpan<float> values, ref Q4_K block)
        where TSearch : ISubBlockSearch
    {
        Span<byte> levels = stackalloc byte[256];
        var search = new MinimumSearch(32, 15, -1, 20, Absolute: false);
        (block.Scale, block.Minimum) = EncodeLevels<TSearch>(values, search, block.Scales, levels);
        for (int k = 0; k < 4; k++)
        {
                for (int l = 0; l < 32; l++)
                    block.Quants[(32 * k) + l] = (byte)(levels[(64 * k) + l] | (levels[(64 * k) + 32 + l] << 4));
        }
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

/// <summary>Q4_K: unit = <see cref="SuperScales"/>, <see cref="SuperNibbles"/>; 4.6 bits per weight.</summary>
internal readonly unsafe struct PanelQ4_K : IPanelFormat<Q4_K>
{
    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => SuperScales.Bytes + SuperNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => SuperNibbles.Quad<TBytes>(unit + SuperScales.Bytes, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Scale<TFloats>(unit, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Offset<TFloats>(unit, block, ZeroPoint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q4_K* block, int row, byte* unit)
    {
        SuperScales.PackRow(block->Scale, block->Minimum, block->Scales, row, unit);
        SuperNibbles.PackRow(block->Quants, row, unit + SuperScales.Bytes);
    }
}
