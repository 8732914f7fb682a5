using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 24 bytes: x ≈ d·q + m, q in 0 … 31, m the smallest value.
/// <code>
/// byte  0               2                 4                   8                  24
///       ┌───────────────┬─────────────────┬───────────────────┬──────────────────┐
///       │ Scale: half d │ Minimum: half m │ HighBits: 32 bits │ Quants: 16 bytes │
///       └───────────────┴─────────────────┴───────────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds the low four bits of q[j] below and of q[j + 16] above; bit j of the high bits is the fifth bit of q[j].
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q5_1 : IEncodableBlock<Q5_1>
{
    public Half Scale;
    public Half Minimum;
    public uint HighBits;
    public Bytes16 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q5_1 block)
    {
        var (minimum, maximum) = Rounding.Range(values);
        float d = (maximum - minimum) / 31;
        float inverse = Rounding.InverseOrZero(d);
        uint high = 0;
        for (int j = 0; j < 16; j++)
        {
            int q0 = (byte)Rounding.Truncate(((values[j] - minimum) * inverse) + 0.5f);
            int q1 = (byte)Rounding.Truncate(((values[j + 16] - minimum) * inverse) + 0.5f);
            block.Quants[j] = (byte)((q0 & 15) | ((q1 & 15) << 4));
            high |= ((uint)(q0 >> 4) & 1) << j;
            high |= ((uint)(q1 >> 4) & 1) << (j + 16);
        }

        block.Scale = HalfConversion.FromSingle(d);
        block.Minimum = HalfConversion.FromSingle(minimum);
        block.HighBits = high;
    }

    /// <summary>32 values in four vectors. A scale that is not finite, or whose inverse is not, goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q5_1> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            var (minimum, maximum) = VectorRounding.Range(x);
            float d = (maximum - minimum) / 31;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse) || !float.IsFinite(d))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            blocks[b].Minimum = HalfConversion.FromSingle(minimum);
            var q = VectorRounding.Truncate(x, minimum, inverse, 0.5f);
            blocks[b].HighBits = Vector256.ShiftLeft(q, 3).ExtractMostSignificantBits();
            VectorRounding.PackNibbles(q & Vector256.Create((byte)15)).CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale, m = (float)Minimum;
        for (int j = 0; j < 16; j++)
        {
            int q0 = (Quants[j] & 15) | (int)(((HighBits >> j) & 1) << 4);
            int q1 = (Quants[j] >> 4) | (int)(((HighBits >> (j + 16)) & 1) << 4);
            values[j] = (q0 * d) + m;
            values[j + 16] = (q1 * d) + m;
        }
    }
}

/// <summary>Q5_1: unit = 16 half scales, 16 half minima, fifth bits, nibbles. y = d·q + m = d·(q − 16) + (16·d + m).</summary>
internal readonly unsafe struct PanelQ5_1 : IPanelFormat<Q5_1>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyFiveBits.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyFiveBits.Quad<TBytes>(unit + 64, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(TFloats.LoadFiniteHalf((ushort*)unit), TFloats.Splat(16), TFloats.LoadFiniteHalf((ushort*)(unit + 32)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q5_1* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        ((Half*)(unit + 32))[row] = block->Minimum;
        LegacyFiveBits.PackRow(block->HighBits, block->Quants, row, unit + 64);
    }
}
