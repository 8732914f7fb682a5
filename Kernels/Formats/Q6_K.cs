using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 210 bytes, 16 sub-blocks of 16: x ≈ (d·s)·(q − 32), q in 0 … 63, s in −128 … 127 per sub-block.
/// <code>
/// byte  0                    128                  192                         208             210
///       ┌────────────────────┬────────────────────┬───────────────────────────┬───────────────┐
///       │ LowBits: 128 bytes │ HighBits: 64 bytes │ Scales: 16 signed bytes s │ Scale: half d │
///       └────────────────────┴────────────────────┴───────────────────────────┴───────────────┘
/// </code>
/// In each half n of the block, value 128n + 32g + l has its low four bits in byte 64n + 32·(g % 2) + l (g &lt; 2 below, else above) and
/// its high two in bits 2g, 2g + 1 of high byte 32n + l.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q6_K : IEncodableBlock<Q6_K>
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

/// <summary>
/// Q6_K: unit = 16 half d, 16 vectors of 16 signed scale bytes (one per 16 values), 16 vectors of high bits, 32 vectors of low nibbles.
/// Half n, segment s (32 values), quad g: low nibble or high nibble (s ≥ 2) of vector 16·n + 8·(s &amp; 1) + g, bits 2·s of high vector 8·n
/// + g. y = d·scale·(q − 32).
/// </summary>
internal readonly unsafe struct PanelQ6_K : IPanelFormat<Q6_K>
{
    /// <summary>Where scales, high bits and nibbles begin in a unit.</summary>
    public const int Scales = 32, High = Scales + (16 * 16), Low = High + (16 * 64);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Low + (32 * 64);

    public static int ZeroPoint => 32;

    public static int Largest => 63;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        int n = part >> 2, s = part & 3;
        TBytes low = TBytes.ShiftRight(TBytes.Load(unit + Low + (64 * ((16 * n) + (8 * (s & 1)) + quad))), 4 * (s >> 1)) & TBytes.Splat(0x0F);
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + High + (64 * ((8 * n) + quad))), 2 * s) & TBytes.Splat(3);
        return low | TBytes.ShiftLeft(high, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + Scales + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q6_K* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        for (int j = 0; j < 16; j++) unit[Scales + (16 * j) + row] = block->Scales[j];
        PanelWords.Pack(block->HighBits, row, unit + High);
        PanelWords.Pack(block->LowBits, row, unit + Low);
    }
}

/// <summary>
/// Q6_K, four blocks at a time. Two vectors of nibbles and one of high bits hold the quads of four parts: block by block they would be
/// loaded anew for each and shifted by a count known only at run time (81 "tokens"/s where the memory gave 300); here they are loaded once
/// and all shifts are constants. The same numbers, summed in another order.
/// </summary>
internal readonly unsafe struct SixBitUnit : IUnitProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats MultiplyAdd<TDot, TBytes, TFloats>(TFloats sum, byte* unit, sbyte* x, float* xScales, int* compensations, float* scaledSums)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TFloats d = TFloats.LoadFiniteHalf((ushort*)unit);

        // i: halves of 128 values in steps of 2, halves of each part in steps of 1.
        for (int i = 0; i < 4; i++)
        {
            int n = i >> 1, half = i & 1;
            byte* high = unit + PanelQ6_K.High + (Panel.QuadBytes * ((8 * n) + (4 * half)));
            byte* low = unit + PanelQ6_K.Low + (Panel.QuadBytes * ((16 * n) + (4 * half)));
            sbyte* xs = x + (128 * n) + (16 * half);
            int* start = compensations + (8 * n) + half;
            TDot dot0 = TDot.Start(start[0]), dot1 = TDot.Start(start[2]), dot2 = TDot.Start(start[4]), dot3 = TDot.Start(start[6]);
            for (int quad = 0; quad < 4; quad++, high += Panel.QuadBytes, low += Panel.QuadBytes, xs += Panel.Quad)
            {
                TBytes first = TBytes.Load(low), second = TBytes.Load(low + Panel.PartBytes), top = TBytes.Load(high);
                TBytes nibble = TBytes.Splat(0x0F), pair = TBytes.Splat(0x30);
                dot0.MultiplyAdd((first & nibble) | (TBytes.ShiftLeft(top, 4) & pair), TBytes.SplatQuad(xs));
                dot1.MultiplyAdd((second & nibble) | (TBytes.ShiftLeft(top, 2) & pair), TBytes.SplatQuad(xs + Panel.Part));
                dot2.MultiplyAdd((TBytes.ShiftRight(first, 4) & nibble) | (top & pair), TBytes.SplatQuad(xs + (2 * Panel.Part)));
                dot3.MultiplyAdd((TBytes.ShiftRight(second, 4) & nibble) | (TBytes.ShiftRight(top, 2) & pair), TBytes.SplatQuad(xs + (3 * Panel.Part)));
            }

            sbyte* scales = (sbyte*)unit + PanelQ6_K.Scales + (Panel.Outputs * ((8 * n) + half));
            float* xScale = xScales + (4 * n);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot0), d * TFloats.LoadInt8(scales) * TFloats.Splat(xScale[0]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot1), d * TFloats.LoadInt8(scales + (2 * Panel.Outputs)) * TFloats.Splat(xScale[1]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot2), d * TFloats.LoadInt8(scales + (4 * Panel.Outputs)) * TFloats.Splat(xScale[2]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot3), d * TFloats.LoadInt8(scales + (6 * Panel.Outputs)) * TFloats.Splat(xScale[3]), sum);
        }

        return sum;
    }
}
