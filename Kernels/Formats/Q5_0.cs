using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 22 bytes: x ≈ d·(q − 16), q in 0 … 31.
/// <code>
/// byte  0               2                   6                  22
///       ┌───────────────┬───────────────────┬──────────────────┐
///       │ Scale: half d │ HighBits: 32 bits │ Quants: 16 bytes │
///       └───────────────┴───────────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds the low four bits of q[j] below and of q[j + 16] above; bit j of the high bits is the fifth bit of q[j].
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q5_0 : IEncodableBlock<Q5_0>
{
    public Half Scale;
    public uint HighBits;
    public Bytes16 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q5_0 block)
    {
        float d = Rounding.SignedMaximum(values) / -16;
        float inverse = Rounding.InverseOrZero(d);
        uint high = 0;
        for (int j = 0; j < 16; j++)
        {
            int q0 = Quantize(values[j] * inverse);
            int q1 = Quantize(values[j + 16] * inverse);
            block.Quants[j] = (byte)((q0 & 15) | ((q1 & 15) << 4));
            high |= ((uint)(q0 >> 4) & 1) << j;
            high |= ((uint)(q1 >> 4) & 1) << (j + 16);
        }

        block.Scale = HalfConversion.FromSingle(d);
        block.HighBits = high;
    }

    /// <summary>32 values in four vectors. A scale whose inverse is not finite goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q5_0> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            float d = VectorRounding.SignedMaximum(x) / -16;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            var q = Vector256.Min(VectorRounding.Truncate(x, 0, inverse, 16.5f), Vector256.Create((byte)31));
            blocks[b].HighBits = Vector256.ShiftLeft(q, 3).ExtractMostSignificantBits();
            VectorRounding.PackNibbles(q & Vector256.Create((byte)15)).CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            int q0 = (Quants[j] & 15) | (int)(((HighBits >> j) & 1) << 4);
            int q1 = (Quants[j] >> 4) | (int)(((HighBits >> (j + 16)) & 1) << 4);
            values[j] = (q0 - 16) * d;
            values[j + 16] = (q1 - 16) * d;
        }
    }

    private static int Quantize(float x) => Math.Min(31, (int)(sbyte)Rounding.Truncate(x + 16.5f));
}

/// <summary>Q5_0: unit = 16 half scales, fifth bits, nibbles. y = d·(q − 16).</summary>
internal readonly unsafe struct PanelQ5_0 : IPanelFormat<Q5_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyFiveBits.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyFiveBits.Quad<TBytes>(unit + 32, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q5_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        LegacyFiveBits.PackRow(block->HighBits, block->Quants, row, unit + 32);
    }
}
