using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 128 signs in 18 bytes: x ≈ ±d, d the mean magnitude.
/// <code>
/// byte  0               2                 18
///       ┌───────────────┬─────────────────┐
///       │ Scale: half d │ Signs: 16 bytes │
///       └───────────────┴─────────────────┘
/// </code>
/// Bit i % 8 of byte i / 8 is 1 where value i is +d, 0 where it is −d.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q1_0 : IEncodableBlock<Q1_0>
{
    public Half Scale;
    public Bytes16 Signs;

    public static int Length => 128;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q1_0 block)
    {
        block = default;
        float sum = 0;
        for (int i = 0; i < 128; i++)
        {
            sum += MathF.Abs(values[i]);
            if (values[i] >= 0) block.Signs[i / 8] |= (byte)(1 << (i % 8));
        }

        block.Scale = HalfConversion.FromSingle(sum / 128);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 128; i++) values[i] = ((Signs[i / 8] >> (i % 8)) & 1) != 0 ? d : -d;
    }
}

/// <summary>
/// Unit = 16 half scales, 4 vectors: quad 4·s + v of the 32 lies in bit s of vector v. y = d·(q − 1), q twice the bit.
/// </summary>
internal readonly unsafe struct PanelQ1_0 : IPanelFormat<Q1_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 128;

    public static int UnitBytes => 32 + (4 * 64);

    public static int ZeroPoint => 1;

    public static int Largest => 2;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftLeft(TBytes.ShiftRight(TBytes.Load(unit + 32 + (64 * (quad & 3))), (2 * part) + (quad >> 2)) & TBytes.Splat(1), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q1_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        for (int i = 0; i < 128; i++)
        {
            int bit = (block->Signs[i / 8] >> (i % 8)) & 1, quad = i / 4;
            byte* target = unit + 32 + (64 * (quad % 4)) + (4 * row) + (i % 4);
            *target = (byte)(quad < 4 ? bit : *target | (bit << (quad / 4)));
        }
    }
}
