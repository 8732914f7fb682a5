using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 176 bytes, 8 sub-blocks of 32: x ≈ (d·s)·q − (dmin·m), q in 0 … 31, s and m in 0 … 63 per sub-block.
/// <code>
/// byte  0               2                    4                  16                   48                  176
///       ┌───────────────┬────────────────────┬──────────────────┬────────────────────┬───────────────────┐
///       │ Scale: half d │ Minimum: half dmin │ Scales: 12 bytes │ HighBits: 32 bytes │ Quants: 128 bytes │
///       └───────────────┴────────────────────┴──────────────────┴────────────────────┴───────────────────┘
/// </code>
/// The scales are s and m as <see cref="ScalesAndMinima"/> has them. Low bits lie as in <see cref="Q4_K"/>; the fifth bit of value l of
/// sub-block j is bit j of high byte l.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q5_K : IEncodableBlock<Q5_K>
{
    public Half Scale;
    public Half Minimum;
    public Bytes12 Scales;
    public Bytes32 HighBits;
    public Bytes128 Quants;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q5_K block) => Encode<PlainSearch>(values, ref block);

    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q5_K> blocks)
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
                int low = (Quants[(32 * (j / 2)) + l] >> (4 * (j % 2))) & 15;
                int high = (HighBits[l] >> j) & 1;
                values[(32 * j) + l] = (scale * (low + (16 * high))) - minimum;
            }
        }
    }

    private static void Encode<TSearch>(ReadOnlySpan<float> values, ref Q5_K block)
        where TSearch : ISubBlockSearch
    {
        Span<byte> levels = stackalloc byte[256];
        var search = new MinimumSearch(32, 31, -0.5f, 15, Absolute: false);
        (block.Scale, block.Minimum) = Q4_K.EncodeLevels<TSearch>(values, search, block.Scales, levels);
        block.HighBits = default;
        for (int k = 0; k < 4; k++)
        {
            for (int l = 0; l < 32; l++)
            {
                int q0 = levels[(64 * k) + l], q1 = levels[(64 * k) + 32 + l];
                block.Quants[(32 * k) + l] = (byte)((q0 & 15) | ((q1 & 15) << 4));
                block.HighBits[l] |= (byte)(((q0 >> 4) << (2 * k)) | ((q1 >> 4) << ((2 * k) + 1)));
            }
        }
    }
}

/// <summary>
/// Q5_K: unit = <see cref="SuperScales"/>, 8 vectors of fifth bits (vector g, bit j: quad g of sub-block j), <see cref="SuperNibbles"/>.
/// </summary>
internal readonly unsafe struct PanelQ5_K : IPanelFormat<Q5_K>
{
    private const int HighBytes = 8 * 64;

    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => SuperScales.Bytes + HighBytes + SuperNibbles.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + SuperScales.Bytes + (64 * quad)), part) & TBytes.Splat(1);
        return SuperNibbles.Quad<TBytes>(unit + SuperScales.Bytes + HighBytes, part, quad) | TBytes.ShiftLeft(high, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Scale<TFloats>(unit, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Offset<TFloats>(unit, block, ZeroPoint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q5_K* block, int row, byte* unit)
    {
        SuperScales.PackRow(block->Scale, block->Minimum, block->Scales, row, unit);
        PanelWords.Pack(block->HighBits, row, unit + SuperScales.Bytes);
        SuperNibbles.PackRow(block->Quants, row, unit + SuperScales.Bytes + HighBytes);
    }
}
