using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 50 bytes, eight at a time on one of 2048 points: x = d·m·(t ± ⅛), t in {−1, 0, 1}, m in 1, 3, … 15 and the sign of ⅛ per
/// 32 values.
/// <code>
/// byte  0             2                   34                      50
///       ┌─────────────┬───────────────────┬───────────────────────┐
///       │ Scale: half │ Indices: 32 bytes │ HighBits: 8 × 16 bits │
///       └─────────────┴───────────────────┴───────────────────────┘
/// </code>
/// Group l of eight values has its lower eight index bits in byte l and the upper three in bits 3·(l % 4) … of the 16 bits of its 32
/// values. Bits 12 … 14 of these are (m − 1) / 2, bit 15 is set for −⅛.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ1_S : IGridBlock<IQ1_S>
{
    /// <summary>2048 points.</summary>
    private static readonly Grid Points = new(
        dimension: 8, levels: 3, unit: 1,
        "AAICAgICAwUCBAIFBgICCAUCBAIFBQIEAgQBBgICAgEFBgQCBAIEAgICAQcGAgIIBQIEAgUFAgQCBQYGBQQCAgQCAgMDAgIEAgsCAggGBgYEBAEPBgYGAgEB" +
        "CAICCAIEBAEBAgEBAgICAgICAgkDAgICAgEBAg4EDAIGAgICAwEEAgYGAgQLAgQCBQUCBAIFBgQIBQIEAgUFAgQCBQYCBAUBBggBAwYCBAwCAgIGBQIEAgUF" +
        "AgQCBQYGAwMFAgICAgUFAgQCCgECBAUBBgIGBAIEAgEDDAICBQMGAgICAgICAgQCBAYEAQEBAQEBAgIECAgCBgIQAgIIBQUCBAICAgQCCAYCAggGBAIFAQIB" +
        "AwQFAwEBAgICAQECBAICBgQCAwECAQECAgEDBAIEAgIBAQICAgICAgICAQEFAQEBAQIBAgIBAQICAgEBAgIBAQIBAQIBAQICBgIBAQgBAQICBAQCAQECAgID" +
        "AQEBAwIBAgEBBgMDAggEDAQIBgICAgIEAgIBAQICAgYGAgoOAgIEAgMHAQECBAIBAQIBAQQECAMBAgIEBAIJBwcCBwICAgICAgQEAgYGBAMKAgQCBQUCAgIC" +
        "BQYGAwMFAgQCBQUCAgICBQYCBAYHAQQGAgICAgEBCAUFAgYGBQICAwUCBAIFBgQCBgYFAgIDBQIEAgUIAgIGCAEBAgQCAgIGCAYCBAMDDAYGBgIEAgQCAQME" +
        "AgIKAgMBAgICAgICBgUCBQYGBgYFAQYFAgQICgIEAgUFAgQCBQYCCgUCBAIKAgQCCAMCBAYKAgQCBgICAgYFBQIFAQUCBAIKAgQCBQYEAgYFAgQCBQUCBAIF" +
        "BgQIDAQCAgICAgIQBAMEBAECAgIEAgEBAgIEAgYCAgICAQECAQUCAgICAgQCAgUBAQsGAgIIBgoCBAQECQUKBgwDCQYCAgICAQEFAQICAgIEAgICAgUBBgMB" +
        "AgQCAgEBAgIEBAICAQECAgECAQEBAQMCAQECBAEBAgQCAQECAQUCAgIDAwUBAgICAgQCAgICAwEBAgECBAICBAMEBAEGAgIIBgMEBQcFAgQCBAICAgYGAgIC" +
        "BgYDAQMBAwECBAICBAQEAgEBAQECAgICAQMGAgQCAQEEAgICEBACAgYCAgQEDgoGAgEBAgQCBAICBAIEAgQCAQECBgIIAgYCAwEEAgYCAQECAgEBAQECBAEB" +
        "AgICAQECAgEBAQEBAQEBAgIBAQIEAgYCAQECAgQEAgQGAgQCAggCBAICAQECBAIJBQICAwEECQEGAgEBAQEDAwICAgIBAQIBAQECAQEBAQECAQEBAQICBgIC" +
        "AgEBAgMCAQQCAQEBAQICAQEBAQECAQICAQECAgEBAQEBAQECAQEBAQEBAQEBAQIBAQEBAQICAQMBAQECAQEBAQMCAQECAgEBAQIBAQMCAQIBAgEBAQEBAQED" +
        "AwEBAQEBAQEBAQEBAQECAgEDBAIBAQEBAgMEAwIBAQEFAQECAgQCBAcFAgICAgEBAQECAgEBBwUCAgICBAYDAQIEAgIBAQIGBgIBAQICAQEBAQEBAQECAgEB" +
        "AgMDAwMCAQEBAQYIAwcEAQQBAgYCAQMDAQEBBAICAgIHAwIBAQICDAgCAgYIBgQBAQICAgICAw0IBgICAgQCBgEDAgYDAwMBAgYBAwQFAwIGBAIMBAILAQQI" +
        "AQEDDQYECA8BAgEDAgQCAgICAgICAgEBAgEBAgIIAQMCAgEBAQECAgIEBgICAgMBAg4BAQICAQIBAQIDAgEBAgcCAQIDAQIBAwIBAQUFBgUFAQECBAICAgIB" +
        "AQECAQQCAwICBAQCAQECAwIDDwIGBgoCBAIGBgYFCAUCBgQGAgICAgEDAQEEAgEBAgIEBAMBBQUGAgEDDAQBDQIEAgQCAgQBAwcHAwIGBAIEAgoCBAIFBQEC" +
        "AgIGBQIEAgUFAgQCBQYCAgIGBgIEAgICAQEBBQICBgMFAgIGBQIEAgUFAgQCCwIEBgUCBAIFBQIEAg0EDAIHAwQCAgQOBAwGBAIEBgICAQMCBAIBAQIBBQEB" +
        "AgICAgICAgICCA4EAgYGAgQBAQQDAQIEAwUGBwQGAgQCBQUCBAICAwYCBAYDAgIEAgUFAgQCBQEFAgIIBgICAgICAgQCAgoKAgYFAgQCBQUCBAIFBgICDQIE" +
        "AgUFAgQCBQYEAQEGBgQCBgICCAEFBgICAgYGAgICAgQCAgICAgICBAUBAgEBAgQCCAIGAgIEAgICBgYCBAYIAgICAgICCAIGCAILAwICBAQCCAQIAgIBAQEB" +
        "AgEBAggCBgEBAgQGAgQCAgEBAgEBAgMDAwECAgEBAgIBAQEBAQEBAQICAQECAwMCBAEBAQECAQECAgICAgIGBAMCBQIGAgEDAQIBAgYCBQEEAQMBAQgCAgYK" +
        "AgYGBAQCAgEDBAEJBgQCBggCAgICAgICAQECAgQCAgICAgIBAQIEAgEDAgIGAgIEAgQICQkIAgICBAIEDAYCAQENAgQCBQUCBAIFBgICAgsCBAIFBQIEAgUD" +
        "AwICAgEPAgMDAgICAgoFAgMCDQQCAQcEBAIFBgQCBgUCBAIFBQIEAhEGBgIGAwECAgIDAQEBBhwCAgICAggCBAIGAgEBAgYEAgIBAQIEAgIQBgQDAgMIAgMD" +
        "AgEBAwIMBAQBAgMCAgQCBAIKAgQCCwICAgsCBAIFBQIEAgUIBAMDBggEBAIEAgsFDQIEAgoCBAILAgINAgQCBQUCBAI=");

    public Half Scale;
    public Bytes32 Indices;
    public Bytes16 HighBits;

    public static int Length => 256;

    public static int ScaleLength => 32;

    public static float Step => 1 / 8f;

    /// <summary>Eight times t ± ⅛: −9, −7, −1, 1, 7 and 9, plus 9.</summary>
    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => NibbleTables.Address([0, 2, 8, 10, 16, 18, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
    }

    public static int ZeroPoint => 9;

    public static int Largest => 18;

    public readonly Half Factor => Scale;

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        var high = MemoryMarshal.Cast<byte, ushort>((ReadOnlySpan<byte>)HighBits);
        for (int part = 0; part < 8; part++)
        {
            multipliers[part] = (byte)((2 * ((high[part] >> 12) & 7)) + 1);
            for (int l = 0; l < 4; l++)
            {
                int index = Indices[(4 * part) + l] | (((high[part] >> (3 * l)) & 7) << 8);
                Shifted(index, high[part] >> 15, codes.Slice((32 * part) + (8 * l), 8));
            }
        }
    }

    /// <summary>Codes of 8·t ± 1, in ascending order: 2·(t + 1), plus 1 for the upper one.</summary>
    /// <param name="index">The point whose coordinates are t + 1.</param>
    /// <param name="minus">1 for 8·t − 1, 0 for 8·t + 1.</param>
    /// <param name="codes">Eight codes.</param>
    public static void Shifted(int index, int minus, Span<byte> codes)
    {
        ReadOnlySpan<byte> point = Points[index];
        for (int i = 0; i < 8; i++) codes[i] = (byte)((2 * point[i]) + 1 - minus);
    }
}
