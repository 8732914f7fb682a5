using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 ternary values in 66 bytes: x ≈ d·(q − 1), q in 0 … 2.
/// <code>
/// byte  0                  64              66
///       ┌──────────────────┬───────────────┐
///       │ Quants: 64 bytes │ Scale: half d │
///       └──────────────────┴───────────────┘
/// </code>
/// Bits 2n, 2n + 1 of byte 32b + m hold value 128b + 32n + m.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct TQ2_0 : IEncodableBlock<TQ2_0>
{
    public Bytes64 Quants;
    public Half Scale;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref TQ2_0 block)
    {
        float d = Rounding.Magnitude(values);
        float inverse = Rounding.InverseOrZero(d);
        block = default;
        block.Scale = HalfConversion.FromSingle(d);
        for (int i = 0; i < 256; i++)
        {
            int q = Rounding.NearestAwayFromZero(values[i] * inverse) + 1;
            block.Set(i, q & 3);
        }
    }

    /// <summary>Stores q of value <paramref name="i"/> in a block where it is still 0.</summary>
    public void Set(int i, int q) => Quants[(32 * (i / 128)) + (i % 32)] |= (byte)(q << (2 * (i / 32 % 4)));

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 256; i++)
        {
            int q = (Quants[(32 * (i / 128)) + (i % 32)] >> (2 * (i / 32 % 4))) & 3;
            values[i] = (q - 1) * d;
        }
    }
}

/// <summary>
/// Unit = 16 half scales, <see cref="SuperCrumbs"/>. y = d·(q − 1).
/// </summary>
internal readonly unsafe struct PanelTQ2_0 : IPanelFormat<TQ2_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => 32 + SuperCrumbs.Bytes;

    public static int ZeroPoint => 1;

    public static int Largest => 3;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => SuperCrumbs.Quad<TBytes>(unit + 32, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(TQ2_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        SuperCrumbs.PackRow(block->Quants, row, unit + 32);
    }
}
