using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 34 bytes: x ≈ d·q, q in −127 … 127.
/// <code>
/// byte  0               2                         34
///       ┌───────────────┬─────────────────────────┐
///       │ Scale: half d │ Quants: 32 signed bytes │
///       └───────────────┴─────────────────────────┘
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q8_0 : IEncodableBlock<Q8_0>
{
    public Half Scale;
    public Bytes32 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q8_0 block)
    {
        float d = Rounding.Magnitude(values) / 127;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        for (int j = 0; j < 32; j++) block.Quants[j] = (byte)Rounding.NearestAwayFromZero(values[j] * inverse);
    }

    /// <summary>32 values in four vectors. A scale whose inverse is not finite (all values below 2⁻¹²⁶) goes the plain way.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<Q8_0> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            float d = VectorRounding.Magnitude(x) / 127;
            float inverse = Rounding.InverseOrZero(d);
            if (!float.IsFinite(inverse))
            {
                Encode(x, ref blocks[b]);
                continue;
            }

            blocks[b].Scale = HalfConversion.FromSingle(d);
            VectorRounding.NearestAwayFromZero(x, inverse).AsByte().CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 32; j++) values[j] = (sbyte)Quants[j] * d;
    }
}

/// <summary>
/// Q8_0: unit = 16 half scales, 8 vectors of 64 bytes (value + 128, VNNI's unsigned side). 34 bytes per row and 32 values, as in the file.
/// </summary>
internal readonly unsafe struct PanelQ8_0 : IPanelFormat<Q8_0>
{
    private const int ScaleBytes = 32;

    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => ScaleBytes + 512;

    public static int ZeroPoint => 128;

    public static int Largest => 255;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Load(unit + ScaleBytes + (64 * quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Q8_0* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        PanelWords.Pack(block->Quants, row, unit + ScaleBytes, flip: 0x80808080);
    }
}
