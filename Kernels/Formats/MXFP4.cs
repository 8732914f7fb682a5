using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 32 values in 17 bytes, microscaling floats of the Open Compute Project: x ≈ 2^(e − 128)·M[q], where M holds twice the values of a 4-bit
/// float (1 sign, 2 exponent, 1 mantissa bit).
/// <code>
/// byte  0                  1                  17
///       ┌──────────────────┬──────────────────┐
///       │ Exponent: byte e │ Quants: 16 bytes │
///       └──────────────────┴──────────────────┘
/// </code>
/// Byte j of the quants holds q[j] below and q[j + 16] above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct MXFP4 : IEncodableBlock<MXFP4>
{
    public byte Exponent;
    public Bytes16 Quants;

    public static int Length => 32;

    /// <summary>The table M.</summary>
    public static ReadOnlySpan<sbyte> Levels => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public readonly bool IsValid => Exponent != 255;

    public static void Encode(ReadOnlySpan<float> values, ref MXFP4 block)
    {
        block.Exponent = ChooseExponent(Rounding.Magnitude(values));
        float scale = HalfPowerOfTwo(block.Exponent);
        for (int j = 0; j < 16; j++)
            block.Quants[j] = (byte)(NearestLevel(values[j], scale) | (NearestLevel(values[j + 16], scale) << 4));
    }

    /// <summary>Sixteen levels against eight values at a time.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<MXFP4> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            var x = values.Slice(32 * b, 32);
            blocks[b].Exponent = ChooseExponent(VectorRounding.Magnitude(x));
            float scale = HalfPowerOfTwo(blocks[b].Exponent);
            var q = VectorRounding.Narrow(
                NearestLevels(x, scale), NearestLevels(x[8..], scale), NearestLevels(x[16..], scale), NearestLevels(x[24..], scale));
            VectorRounding.PackNibbles(q).CopyTo(blocks[b].Quants);
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float scale = HalfPowerOfTwo(Exponent);
        for (int j = 0; j < 16; j++)
        {
            values[j] = Levels[Quants[j] & 15] * scale;
            values[j + 16] = Levels[Quants[j] >> 4] * scale;
        }
    }

    /// <summary>Index of the first level whose value M·scale is nearest to <paramref name="x"/>.</summary>
    public static int NearestLevel(float x, float scale)
    {
        int best = 0;
        float least = MathF.Abs((Levels[0] * scale) - x);
        for (int i = 1; i < 16; i++)
        {
            float error = MathF.Abs((Levels[i] * scale) - x);
            if (!(error < least)) continue;
            least = error;
            best = i;
        }

        return best;
    }

    /// <summary><see cref="NearestLevel"/> of the first eight values.</summary>
    public static Vector256<int> NearestLevels(ReadOnlySpan<float> values, float scale)
    {
        var x = VectorRounding.Load(values, 0);
        var best = Vector256<int>.Zero;
        var least = Vector256.Abs(Vector256.Create(Levels[0] * scale) - x);
        for (int i = 1; i < 16; i++)
        {
            var error = Vector256.Abs(Vector256.Create(Levels[i] * scale) - x);
            var closer = Vector256.LessThan(error, least);
            least = Vector256.ConditionalSelect(closer, error, least);
            best = Vector256.ConditionalSelect(closer.AsInt32(), Vector256.Create(i), best);
        }

        return best;
    }

    /// <summary>2^(e − 128): half of what an E8M0 exponent means, because M holds doubled values. Subnormal for e below 2.</summary>
    public static float HalfPowerOfTwo(byte e) => BitConverter.UInt32BitsToSingle(e < 2 ? 0x00200000u << e : (e - 1u) << 23);

    private static byte ChooseExponent(float magnitude) => magnitude > 0 ? (byte)(MathF.Floor((float)Math.Log2(magnitude)) - 2 + 127) : (byte)0;
}

/// <summary>MXFP4: unit = 16 float scales (half the E8M0 power of two), nibbles. y = scale·(table[i] + 12 − 12).</summary>
internal readonly unsafe struct PanelMXFP4 : IPanelFormat<MXFP4>
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 12;

    public static int Largest => 24;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.LookUp(NibbleTables.E2M1, LegacyNibbles.Quad<TBytes>(unit + 64, quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Load((float*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(MXFP4* block, int row, byte* unit)
    {
        ((float*)unit)[row] = MXFP4.HalfPowerOfTwo(block->Exponent);
        LegacyNibbles.PackRow(block->Quants, row, unit + 64);
    }
}
