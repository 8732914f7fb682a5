using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 20 bytes: x ≈ d·q + m, q in 0 … 15, m the smallest value.
/// <code>
/// byte  0               2                 4                  20
///       ┌───────────────┬─────────────────┬──────────────────┐
///       │ Scale: half d │ Minimum: half m │ Quants: 16 bytes │
///       └───────────────┴─────────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds q[j] below and q[j + 16] above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q4_1 : IEncodableBlock<Q4_1>
{
    public Half Scale;
    public Half Minimum;
    public Bytes16 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q4_1 block)
    {
        var (minimum, maximum) = Rounding.Range(values);
        float d = (maximum - minimum) / 15;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        block.Minimum = HalfConversion.FromSingle(minimum);
        for (int j = 0; j < 16; j++)
        {
            int low = Quantize((values[j] - minimum) * inverse);
            int high = Quantize((values[j + 16] - minimum) * inverse);
            block.Quants[j] = (byte)(low | (high << 4));
        }
    }

    /// <summary>32 values in four vectors. A scale that is not finite, or whose inverse is not, goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q4_1> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            var (minimum, maximum) = VectorRounding.Range(x);
            float d = (maximum - minimum) / 15;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse) || !float.IsFinite(d))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            blocks[b].Minimum = HalfConversion.FromSingle(minimum);
            var q = Vector256.Min(VectorRounding.Truncate(x, minimum, inverse, 0.5f), Vector256.Create((byte)15));
            VectorRounding.PackNibbles(q).CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale, m = (float)Minimum;
        for (int j = 0; j < 16; j++)
        {
            values[j] = ((Quants[j] & 15) * d) + m;
            values[j + 16] = ((Quants[j] >> 4) * d) + m;
        }
    }

    private static int Quantize(float x) => Math.Min(15, (int)(sbyte)Rounding.Truncate(x + 0.5f));
}

/// <summary>Q4_1: unit = 16 half scales, 16 half minima, 4 vectors of nibbles. y = d·q + m = d·(q − 8) + (8·d + m).</summary>
internal readonly unsafe struct PanelQ4_1 : IPanelFormat<Q4_1>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyNibbles.Quad<TBytes>(unit + 64, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(TFloats.LoadFiniteHalf((ushort*)unit), TFloats.Splat(8), TFloats.LoadFiniteHalf((ushort*)(unit + 32)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q4_1* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        ((Half*)(unit + 32))[row] = block->Minimum;
        LegacyNibbles.PackRow(block->Quants, row, unit + 64);
    }
}
