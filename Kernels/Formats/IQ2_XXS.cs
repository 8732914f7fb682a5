using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 66 bytes, eight at a time on one of 256 points: x = ±d·m/8·v, v in {8, 25, 43}, m in 1, 3, … 31 per 32 values.
/// <code>
/// byte  0             2                     66
///       ┌─────────────┬─────────────────────┐
///       │ Scale: half │ Quants: 8 × 8 bytes │
///       └─────────────┴─────────────────────┘
/// </code>
/// The eight bytes of 32 values are two 32-bit words. The first holds four indices of points. Bits 7l … 7l + 6 of the second are signs of
/// group l, the eighth of which makes the number of negative ones even; its upper four bits are (m − 1) / 2.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ2_XXS : IGridBlock<IQ2_XXS>
{
    /// <summary>256 points.</summary>
    private static readonly Grid Points = new(
        dimension: 8, levels: 3, unit: 2,
        "AAEBAQEBAQMBAgEBAQMDAgEDAQMGBAEDAgcPBgYBCRINAQMFAQMBAgYFAQMGAwECBgcKAQUMAQkPCQMCAQMGAgEDAQsMDBwFIwEDBQQJBgMCBwMGCQQFGAUZ" +
        "AwYCBgoVEBEHIgEDCQ4NAiIXFgEDCwgEARkEGAEoAQMJBxQOCjAMBhg/GgEDAwIBAwMEAgUBAwkJDgQCDAQMBAUPAwYSCAsFHikBAwkCGRUCBRwQCQMCAwES" +
        "AwwNFyMoAQwlExUFAxAeHicDCQwPFBwPEgIrARdDawEDCg4OBgYgJAEDAgcJEhARCwoJEyksJQMGAxcLFB0ZCgUsWhZJEQsPJTCEGA==");

    public Half Scale;
    public Bytes64 Quants;

    public static int Length => 256;

    public static int ScaleLength => 32;

    public static float Step => 1 / 8f;

    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IQ2_S.Levels;
    }

    public static int ZeroPoint => 43;

    public static int Largest => 86;

    public readonly Half Factor => Scale;

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        var words = MemoryMarshal.Cast<byte, uint>((ReadOnlySpan<byte>)Quants);
        for (int part = 0; part < 8; part++)
        {
            uint indices = words[2 * part], signs = words[(2 * part) + 1];
            multipliers[part] = (byte)((2 * (signs >> 28)) + 1);
            for (int l = 0; l < 4; l++)
            {
                int index = (byte)(indices >> (8 * l)), seven = (int)(signs >> (7 * l)) & 127;
                Points.Signed(index, Grid.EvenSigns(seven), codes.Slice((32 * part) + (8 * l), 8));
            }
        }
    }
}
