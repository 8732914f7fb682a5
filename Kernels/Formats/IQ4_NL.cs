using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 18 bytes: x ≈ d·K[q], where K is a table of 16 levels that lie denser around zero.
/// <code>
/// byte  0               2                  18
///       ┌───────────────┬──────────────────┐
///       │ Scale: half d │ Quants: 16 bytes │
///       └───────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds q[j] below and q[j + 16] above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct IQ4_NL : IEncodableBlock<IQ4_NL>
{
    public Half Scale;
    public Bytes16 Quants;

    public static int Length => 32;

    /// <summary>The table K.</summary>
    public static ReadOnlySpan<sbyte> Levels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref IQ4_NL block) => Encode(values, SearchScale(values), ref block);

    /// <summary>Eight blocks at a time, the scales of which are searched side by side.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<IQ4_NL> blocks)
    {
        Span<float> scales = stackalloc float[8];
        int b = 0;
        for (; b <= blocks.Length - 8; b += 8)
        {
            LaneSearch.NonLinear(values.Slice(32 * b, 256), scales);
            for (int i = 0; i < 8; i++) Encode(values.Slice(32 * (b + i), 32), scales[i], ref blocks[b + i]);
        }

        for (; b < blocks.Length; b++) Encode(values.Slice(32 * b, 32), ref blocks[b]);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 16; j++)
        {
            values[j] = d * Levels[Quants[j] & 15];
            values[j + 16] = d * Levels[Quants[j] >> 4];
        }
    }

    /// <summary>
    /// The scale of least squared error, weights x²: the one that puts the largest value on the outermost level is followed by fifteen
    /// nearby, and each by the best scale for the levels that it gives, Σwxk/Σwk². Zero when all values are (nearly) zero.
    /// </summary>
    public static float SearchScale(ReadOnlySpan<float> values)
    {
        float max = Rounding.SignedMaximum(values);
        if (MathF.Abs(max) < Rounding.Epsilon) return 0;

        var (sumXK, sumK2) = Sums(values, 1 / (-max / Levels[0]));
        float scale = sumK2 > 0 ? sumXK / sumK2 : 0;
        float best = scale * sumXK;
        for (int i = -7; i <= 7; i++)
        {
            (sumXK, sumK2) = Sums(values, (i + Levels[0]) / max);
            if (!(sumK2 > 0 && sumXK * sumXK > best * sumK2)) continue;
            scale = sumXK / sumK2;
            best = scale * sumXK;
        }

        return scale;
    }

    /// <summary>Index of the level nearest to <paramref name="x"/>; the upper one of two equally near.</summary>
    public static int NearestLevel(float x)
    {
        if (x <= Levels[0]) return 0;
        int upper = 1;
        while (upper < 15 && !(x < Levels[upper])) upper++;
        if (upper == 15 && x >= Levels[15]) return 15;
        return x - Levels[upper - 1] < Levels[upper] - x ? upper - 1 : upper;
    }

    /// <summary>Packs the levels nearest to 32 values times <paramref name="inverse"/> in the order of 32-value blocks.</summary>
    public static void EncodeLevels(ReadOnlySpan<float> values, float inverse, Span<byte> packed)
    {
        var factor = Vector256.Create(inverse);
        var q = VectorRounding.Narrow(
            NearestLevels(VectorRounding.Load(values, 0) * factor),
            NearestLevels(VectorRounding.Load(values, 8) * factor),
            NearestLevels(VectorRounding.Load(values, 16) * factor),
            NearestLevels(VectorRounding.Load(values, 24) * factor));
        VectorRounding.PackNibbles(q).CopyTo(packed);
    }

    /// <summary>
    /// <see cref="NearestLevel"/> of eight values: how many of the middles between levels lie at or below. That is the same as
    /// comparing the distances, because near a middle both differences are exact in float32 (all levels are integers below 128).
    /// </summary>
    private static Vector256<int> NearestLevels(Vector256<float> x)
    {
        var level = Vector256<int>.Zero;
        for (int i = 0; i < 15; i++)
            level -= Vector256.GreaterThanOrEqual(x, Vector256.Create(0.5f * (Levels[i] + Levels[i + 1]))).AsInt32();
        return level;
    }

    private static void Encode(ReadOnlySpan<float> values, float d, ref IQ4_NL block)
    {
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        EncodeLevels(values, inverse, block.Quants);
    }

    private static (float SumXK, float SumK2) Sums(ReadOnlySpan<float> values, float inverse)
    {
        float sumXK = 0, sumK2 = 0;
        foreach (float x in values)
        {
            float k = Levels[NearestLevel(inverse * x)];
            float w = x * x;
            sumXK += w * k * x;
            sumK2 += w * k * k;
        }

        return (sumXK, sumK2);
    }
}

/// <summary>IQ4_NL: unit = 16 half scales, nibbles. y = d·(table[i] + 127 − 127).</summary>
internal readonly unsafe struct PanelIQ4_NL : IPanelFormat<IQ4_NL>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 127;

    public static int Largest => 240;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.LookUp(NibbleTables.NonLinear, LegacyNibbles.Quad<TBytes>(unit + 32, quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(IQ4_NL* block, int row, byte* unit)
    {
        ((Half*)unit)[row] = block->Scale;
        LegacyNibbles.PackRow(block->Quants, row, unit + 32);
    }
}
