using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 98 bytes, four at a time on one of 256 points: x = ±d·m/4·v, v in {4, 12, 20, 28, 36, 44, 52, 62}, m in 1, 3, … 31 per 32
/// values.
/// <code>
/// byte  0             2                   66                            98
///       ┌─────────────┬───────────────────┬─────────────────────────────┐
///       │ Scale: half │ Indices: 64 bytes │ ScalesAndSigns: 8 × 32 bits │
///       └─────────────┴───────────────────┴─────────────────────────────┘
/// </code>
/// Byte j is the point of values 4j … 4j + 3. Bits 7l … 7l + 6 of a word of 32 values are signs of its group l of eight, as
/// <see cref="IQ2_XXS"/> has them; its upper four bits are (m − 1) / 2.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ3_XXS : IGridBlock<IQ3_XXS>
{
    /// <summary>256 points.</summary>
    private static readonly Grid Points = new(
        dimension: 4, levels: 8, unit: 1,
        "AAICBQIEAQIHCRkCBAIFAgcEAwIHCwwIAgIFBwIHAgQKBg4EBgECCyMTFAULDAIEBhMQMxcUBAIVDhACBQIHAgUCAgsBGAIHBwIvAgUCBwciBgIOCQ0QCwQj" +
        "KAQSEwxNDiACBwIFAgQDCR8CAgMCBwcbBAEIAgcGAQINAQ0UBwQsBCEOGBQKG0UCCxccBwIHAhUNBQYCDgkLAhsCBQ0VEA8SPQ8TBgYMGx8SFSgVFAsOAgwE" +
        "TRQPARAGER4fJQshDhVNAwIOMhcXCAYQFx8OIAgpHQsEIwgXTywOMhACDh0gHiUkBkYhJTEoDjICAgESECwKKhsFFg0OFSEQHwISRA==");

    public Half Scale;
    public Bytes64 Indices;
    public Bytes32 ScalesAndSigns;

    public static int Length => 256;

    public static int ScaleLength => 32;

    public static float Step => 1 / 4f;

    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => NibbleTables.Address([0, 10, 18, 26, 34, 42, 50, 58, 66, 74, 82, 90, 98, 106, 114, 124]);
    }

    public static int ZeroPoint => 62;

    public static int Largest => 124;

    public readonly Half Factor => Scale;

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        var words = MemoryMarshal.Cast<byte, uint>((ReadOnlySpan<byte>)ScalesAndSigns);
        for (int part = 0; part < 8; part++)
        {
            multipliers[part] = (byte)((2 * (words[part] >> 28)) + 1);
            for (int l = 0; l < 4; l++)
            {
                int signs = Grid.EvenSigns((int)(words[part] >> (7 * l)) & 127), group = (4 * part) + l;
                Points.Signed(Indices[2 * group], signs, codes.Slice(8 * group, 4));
                Points.Signed(Indices[(2 * group) + 1], signs >> 4, codes.Slice((8 * group) + 4, 4));
            }
        }
    }
}
