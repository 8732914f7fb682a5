using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 82 bytes, eight at a time on one of 1024 points: x = ±d·m/8·v, v in {8, 25, 43}, m in 1, 3, … 31 per 16 values.
/// <code>
/// byte  0             2                   34                66                  74                82
///       ┌─────────────┬───────────────────┬─────────────────┬───────────────────┬─────────────────┐
///       │ Scale: half │ Indices: 32 bytes │ Signs: 32 bytes │ HighBits: 8 bytes │ Scales: 8 bytes │
///       └─────────────┴───────────────────┴─────────────────┴───────────────────┴─────────────────┘
/// </code>
/// Group l of eight values has its lower eight index bits in byte l, the upper two in bits 2·(l % 4), 2·(l % 4) + 1 of high byte l / 4, and
/// eight signs. Scales hold (m − 1) / 2, the even 16 values below.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ2_S : IGridBlock<IQ2_S>
{
    /// <summary>1024 points.</summary>
    private static readonly Grid Points = new(
        dimension: 8, levels: 3, unit: 2,
        "AAEBAQEBAQEBAQEBAQIBAQEBAQEBAgEBAQEBAQECAQMCAgEBAQEBAQEBAgEDAQEBAgEBAQECAQIBAwEBAwEDAQEBAgEDBAEBAQEBAgcCAgIEBAEBAQEBAQEC" +
        "AQEBAQEBAQEBAQEBAQEBAwEBAQECAQIBAwEBAQEBAQEBAQIBAgEBAQEBAQECAQMBAQECAQMFAQEBAQIHAgECAQMFAQMJAQEBAgEBAQECAgEBAQEBAQEBAgED" +
        "AgQHAQEDAQEBAgQCAQIBAwUECQUBBAIBBREGAQEBAQEBAQIBAQIBAQECAQEBAQEBAQIBAQICAQIBAwEBAQEBAQEBAQEBAQIBAQEBAQEBAgEDAQEBAgEIAQIB" +
        "AgMBAwIDAQgBAwkBAQECAQEBAQIBAgEBAQEBAQECAQMBAQECAQMFAQEBAQEBAQIBAwEBAQIBAwUBAwkCAQIBAwUBAwkNAQEBAQECAQIEAQEBAgEDBQEMAQEB" +
        "AgEDBQEDCAsFAwkHFAEBAQIBAQEBAgIBAQMBAQQDBAIHAQEDAQEDBAEBAwEDBQEDCQQGAgECAwwBCAIBAQEBAgECAQMBAQECAQMFAQMJAgECAQMFAQMHAg4B" +
        "AwkIEwIDAQgBAw0JAQEDHQsGDgYBCgEBAQEBAQEBAQEBAgEBAQEBAQEBAQEBAwEDAgECAQMBAQECAQEBAQEBAwEBAQEBAQECAQMBAQECAQMFAQMBAQEDAwIB" +
        "AgEDBQEMAQEBAQEBAQEBAQEBAgEBAQEBAQECAQMBAQECAQMFAQEBAQEBAQIBAwEBAQIBAwQBAQMJAQEBAgEDBQEDCQsDAQIBAQEBAgEDAQEBAgEDBgMJAQEB" +
        "AgEDBQEDCQcHAQMJGwEBAQIBAQEBAQEBAgEBAQEBAQECAQMBAQECAQgBAQEBAQEBAgEDAQEBAgEDBQEDCQIBAgEDBQEDCAEOAQEBAQEBAQIBAwEBAQIBAwUB" +
        "AwkBAQECAQMFAQMJDgEDBwIbAQEBAgEDBQEDBAUOAQMJGwgVCgIBAQIBAQECAQMCAQIBAwYDCQEBAQIBAwUBAwkIBwMJBxAEAgECAQMFAQMJDgEDCQQIBwgh" +
        "CAEDFAoGDSoWBAEBAQIBAgECAwEDAQEBAgQCAwEIAQIBAQEBAgEDAQEBAgEIAQMIAQICAQEIAQMXAQEBAQEBAQIEAQEBAgEDBQEDCQEBAQIBAwUBAwkECgED" +
        "CAEbAgMBCAEDEwQBDAsaCwEGCQQBAgEBAQEDAwEBAQIBAwUBAwkCAwEIAQMEEwEDCRkCAQEBAgEDBQEDCQcHAQMJFQIEEAgRAQMHAhoBEQI1CQICAgQDAQED" +
        "EwMOCxEDBgIBDwIBCAIBAwkRBwMIMxoIGRcKDgEFAQISCg==");

    public Half Scale;
    public Bytes32 Indices;
    public Bytes32 Signs;
    public Bytes8 HighBits;
    public Bytes8 Scales;

    public static int Length => 256;

    public static int ScaleLength => 16;

    public static float Step => 1 / 8f;

    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Levels;
    }

    /// <summary>−43, −25, −8, 8, 25 and 43, plus 43, as codes 5 … 10: the levels of all three IQ2 formats.</summary>
    public static byte* Levels
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => NibbleTables.Address([43, 43, 43, 43, 43, 0, 18, 35, 51, 68, 86, 43, 43, 43, 43, 43]);
    }

    public static int ZeroPoint => 43;

    public static int Largest => 86;

    public readonly Half Factor => Scale;

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        for (int j = 0; j < 16; j++) multipliers[j] = (byte)((2 * ((Scales[j / 2] >> (4 * (j % 2))) & 15)) + 1);
        for (int l = 0; l < 32; l++)
        {
            int high = (HighBits[l / 4] >> (2 * (l % 4))) & 3;
            Points.Signed(Indices[l] | (high << 8), Signs[l], codes.Slice(8 * l, 8));
        }
    }
}
