using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 64 values in 36 bytes, four sub-blocks of 16: x ≈ s·M[q] with the table of <see cref="MXFP4"/> and s an 8-bit float (4 exponent,
/// 3 mantissa bits, no sign), halved.
/// <code>
/// byte  0                   4                     36
///       ┌───────────────────┬─────────────────────┐
///       │ Scales: 4 bytes s │ Quants: 4 × 8 bytes │
///       └───────────────────┴─────────────────────┘
/// </code>
/// Byte j of sub-block k holds value 16k + j below and 16k + 8 + j above.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct NVFP4 : IEncodableBlock<NVFP4>
{
    public Bytes4 Scales;
    public Bytes32 Quants;

    public static int Length => 64;

    /// <summary>No scale is NaN, of either sign. (Decoding takes the positive one for zero, as the reference does.)</summary>
    public readonly bool IsValid
    {
        get
        {
            for (int k = 0; k < 4; k++)
                if ((Scales[k] & 0x7F) == 0x7F) return false;
            return true;
        }
    }

    public static void Encode(ReadOnlySpan<float> values, ref NVFP4 block)
    {
        for (int k = 0; k < 4; k++)
        {
            var x = values.Slice(16 * k, 16);
            block.Scales[k] = EncodeScale(Rounding.Magnitude(x) / 6);
            float scale = DecodeHalfScale(block.Scales[k]);
            for (int j = 0; j < 8; j++)
                block.Quants[(8 * k) + j] = (byte)(MXFP4.NearestLevel(x[j], scale) | (MXFP4.NearestLevel(x[j + 8], scale) << 4));
        }
    }

    /// <summary>Sixteen levels against eight values at a time.</summary>
    public static void EncodeRun(ReadOnlySpan<float> values, Span<NVFP4> blocks)
    {
        for (int b = 0; b < blocks.Length; b++)
        {
            Span<byte> quants = blocks[b].Quants;
            for (int k = 0; k < 4; k++)
            {
                var x = values.Slice((64 * b) + (16 * k), 16);
                byte code = EncodeScale(VectorRounding.Magnitude(x) / 6);
                blocks[b].Scales[k] = code;
                float scale = DecodeHalfScale(code);
                var q = MXFP4.NearestLevels(x, scale) | Vector256.ShiftLeft(MXFP4.NearestLevels(x[8..], scale), 4);
                for (int j = 0; j < 8; j++) quants[(8 * k) + j] = (byte)q.GetElement(j);
            }
        }
    }

    public readonly void Decode(Span<float> values)
    {
        for (int k = 0; k < 4; k++)
        {
            float scale = DecodeHalfScale(Scales[k]);
            for (int j = 0; j < 8; j++)
            {
                int q = Quants[(8 * k) + j];
                values[(16 * k) + j] = MXFP4.Levels[q & 15] * scale;
                values[(16 * k) + 8 + j] = MXFP4.Levels[q >> 4] * scale;
            }
        }
    }

    /// <summary>Half the value of an 8-bit float with exponent bias 7; 0x7F (NaN) counts as 0.</summary>
    public static float DecodeHalfScale(byte bits)
    {
        if (bits is 0 or 0x7F) return 0;
        int exponent = (bits >> 3) & 15, mantissa = bits & 7;
        float value = exponent == 0 ? mantissa / 512f : (1 + (mantissa / 8f)) * MathF.ScaleB(1, exponent - 7);
        return value * 0.5f;
    }

    /// <summary>The 8-bit float near <paramref name="x"/>: halves round up, at most 448.</summary>
    public static byte EncodeScale(float x)
    {
        if (!(x > 0)) return 0;
        uint bits = BitConverter.SingleToUInt32Bits(MathF.Min(x, 448));
        int exponent = (int)(bits >> 23) - 127 + 7;
        if (exponent <= 0) return (byte)Math.Min(Rounding.Truncate((x * 512) + 0.5f), 7);
        if (exponent >= 15) return 0x7E;
        int mantissa = (int)((bits >> 20) & 7) + (int)((bits >> 19) & 1);
        if (mantissa == 8) (mantissa, exponent) = (0, exponent + 1);
        return exponent >= 15 ? (byte)0x7E : (byte)((exponent << 3) | mantissa);
    }
}

/// <summary>
/// Unit = per 16 values 16 half scales, 8 vectors of nibbles: vector 2·k + c holds quad c of sub-block k below and quad c + 2 above.
/// y = scale·(table[i] + 12 − 12).
/// </summary>
internal readonly unsafe struct PanelNVFP4 : IPanelFormat<NVFP4>
{
    private const int Nibbles = 4 * 32;

    public static int BlockLength => 16;

    public static int UnitLength => 64;

    public static int UnitBytes => Nibbles + (8 * 64);

    public static int ZeroPoint => 12;

    public static int Largest => 24;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes v = TBytes.Load(unit + Nibbles + (64 * ((4 * part) + (2 * (quad >> 2)) + (quad & 1))));
        if ((quad & 2) != 0) v = TBytes.ShiftRight(v, 4);
        return TBytes.LookUp(NibbleTables.E2M1, v & TBytes.Splat(0x0F));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(NVFP4* block, int row, byte* unit)
    {
        for (int k = 0; k < 4; k++) ((Half*)unit)[(16 * k) + row] = (Half)NVFP4.DecodeHalfScale(block->Scales[k]);
        PanelWords.Pack(block->Quants, row, unit + Nibbles);
    }
}
