using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 110 bytes, four at a time on one of 512 points: x = ±d·m·v, v in {1, 3, 5, … 15}, m in 1, 3, … 31 per 32 values.
/// <code>
/// byte  0             2                   66                  74                106               110
///       ┌─────────────┬───────────────────┬───────────────────┬─────────────────┬─────────────────┐
///       │ Scale: half │ Indices: 64 bytes │ HighBits: 8 bytes │ Signs: 32 bytes │ Scales: 4 bytes │
///       └─────────────┴───────────────────┴───────────────────┴─────────────────┴─────────────────┘
/// </code>
/// Byte j and bit j % 8 of high byte j / 8 are the point of values 4j … 4j + 3; bit i of sign byte l is that of value 8l + i. Scales hold
/// (m − 1) / 2, the even 32 values below.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ3_S : IGridBlock<IQ3_S>
{
    /// <summary>512 points.</summary>
    private static readonly Grid Points = new(
        dimension: 4, levels: 8, unit: 1,
        "AAEBAwIBAQECAgIBBAYFAgMCAgIFAgcDAwEBAQIEAQQDAwQCBAcNBAUGAQQCAQMDAwQDBAYDAgICDQMIBgQDAgcCAwYEAg0CBAMLBAIDBgYDBg8KAgwCBAUG" +
        "BAIPBQsDAg4RDwcCAgwCBAUNBBQBAQIEAQICAgECBwMCDgIDCQYBAgMCBAUHAwYHAg4GAgoDAgEEBgYDCgMKBwMDAQMGBgEEBREGCwIFAg0CBwQCBBUHAwYH" +
        "Ag8nBAMNAhsCBQIHDAQRBggBAgICAQICAgMCBAECBwICAwINAQMCAwIGAwQDAwQDBgcYAwMKAgUHAgoECgMEAgMECQIFAgcGDgsGCQMHAwQZAwcFCQ0BCw0I" +
        "AgUKHAQUBA0CCwUaBwICAgMHAgIFAgMCCgYIAgIHBQINEAoEAgoGCgIMGQcEBQIEAQkCBAYOCAYFBAcRBgQNBwILBQoKDRMTIAINAgsjBAYGBAMDBwcQCgUC" +
        "AgcGBQYGBBQCBQUECgUPAwYMBQIFAgcEIwISCwEZDAIKIRkRFBgFCwsGGQYEBg4EAwMMBgUCAgUHCSAGCQoFBg0XBQEPDQUMBgYDDAoMJAwTAjcgAg43AgIM" +
        "AhUQEAcdFhIGCwUGCAwFDzUODw4DGRQVGykCNQQDCQIMAgwGEAcLDwIcAwQGAwcRGRgDDhYEBgUYKhAgFyc=");

    public Half Scale;
    public Bytes64 Indices;
    public Bytes8 HighBits;
    public Bytes32 Signs;
    public Bytes4 Scales;

    public static int Length => 256;

    public static int ScaleLength => 32;

    public static float Step => 1;

    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => NibbleTables.Address([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
    }

    public static int ZeroPoint => 15;

    public static int Largest => 30;

    public readonly Half Factor => Scale;

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        for (int part = 0; part < 8; part++) multipliers[part] = (byte)((2 * ((Scales[part / 2] >> (4 * (part % 2))) & 15)) + 1);
        for (int j = 0; j < 64; j++)
        {
            int high = (HighBits[j / 8] >> (j % 8)) & 1;
            Points.Signed(Indices[j] | (high << 8), Signs[j / 2] >> (4 * (j % 2)), codes.Slice(4 * j, 4));
        }
    }
}
