using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 18 bytes: x ≈ d·(q − 8), q in 0 … 15.
/// <code>
/// byte  0               2                  18
///       ┌───────────────┬──────────────────┐
///       │ Scale: half d │ Quants: 16 bytes │
///       └───────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds q[j] below and q[j + 16] above. The scale is chosen such that the value of largest magnitude maps to q = 0
/// exactly.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q4_0 : IEncodableBlock<Q4_0>
{
    public Half Scale;
    public Bytes16 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q4_0 block)
    {
        float d = Rounding.SignedMaximum(values) / -8;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        for (int j = 0; j < 16; j++)
            block.Quants[j] = (byte)(Quantize(values[j] * inverse) | (Quantize(values[j + 16] * inverse) << 4));
    }

    /// <summary>32 values in four vectors. A scale whose inverse is not finite goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q4_0> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            float d = VectorRounding.SignedMaximum(x) / -8;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            var q = Vector256.Min(VectorRounding.Truncate(x, 0, inverse, 8.5f), Vector256.Create((byte)15));
            VectorRounding.PackNibbles(q).CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            values[j] = ((Quants[j] & 15) - 8) * d;
            values[j + 16] = ((Quants[j] >> 4) - 8) * d;
        }
    }

    private static int Quantize(float x) => Math.Min(15, (int)(sbyte)Rounding.Truncate(x + 8.5f));
}

/// <summary>Q4_0: unit = 16 half scales, 4 vectors of nibbles. y = d·(q − 8).</summary>
internal readonly unsafe struct PanelQ4_0 : IPanelFormat<Q4_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyNibbles.Quad<TBytes>(unit + 32, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q4_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        LegacyNibbles.PackRow(block->Quants, row, unit + 32);
    }
}
