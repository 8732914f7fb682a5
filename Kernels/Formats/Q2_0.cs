using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 64 values in 18 bytes: x ≈ d·(q − 1), q in 0 … 3, d the largest magnitude.
/// <code>
/// byte  0               2                  18
///       ┌───────────────┬──────────────────┐
///       │ Scale: half d │ Quants: 16 bytes │
///       └───────────────┴──────────────────┘
/// </code>
/// Byte i / 4 holds four values, the first in the lowest bits.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q2_0 : IEncodableBlock<Q2_0>
{
    public Half Scale;
    public Bytes16 Quants;

    public static int Length => 64;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q2_0 block)
    {
        float d = Rounding.Magnitude(values);
        float inverse = Rounding.InverseOrZero(d);
        block = default;
        block.Scale = HalfConversion.FromSingle(d);
        for (int i = 0; i < 64; i++)
        {
            int q = Math.Clamp(Rounding.NearestAwayFromZero(values[i] * inverse) + 1, 0, 3);
            block.Quants[i / 4] |= (byte)(q << (2 * (i % 4)));
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 64; i++) values[i] = (((Quants[i / 4] >> (2 * (i % 4))) & 3) - 1) * d;
    }
}

/// <summary>
/// Unit = 16 half scales, 4 vectors: quad 4·s + v of the 16 lies in bits 2·s, 2·s + 1 of vector v. y = d·(q − 1).
/// </summary>
internal readonly unsafe struct PanelQ2_0 : IPanelFormat<Q2_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 64;

    public static int UnitBytes => 32 + (4 * 64);

    public static int ZeroPoint => 1;

    public static int Largest => 3;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftRight(TBytes.Load(unit + 32 + (64 * (quad & 3))), 2 * ((2 * part) + (quad >> 2))) & TBytes.Splat(3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q2_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        for (int i = 0; i < 64; i++)
        {
            int q = (block->Quants[i / 4] >> (2 * (i % 4))) & 3, quad = i / 4;
            byte* target = unit + 32 + (64 * (quad % 4)) + (4 * row) + (i % 4);
            *target = (byte)(quad < 4 ? q : *target | (q << (2 * (quad / 4))));
        }
    }
}
