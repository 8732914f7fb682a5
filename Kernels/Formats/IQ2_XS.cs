using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 74 bytes, eight at a time on one of 512 points: x = ±d·m/8·v, v in {8, 25, 43}, m in 1, 3, … 31 per 16 values.
/// <code>
/// byte  0             2                      66                74
///       ┌─────────────┬──────────────────────┬─────────────────┐
///       │ Scale: half │ Quants: 32 × 16 bits │ Scales: 8 bytes │
///       └─────────────┴──────────────────────┴─────────────────┘
/// </code>
/// Quants hold the index of a point in their lower nine bits and seven signs above, as <see cref="IQ2_XXS"/> has them. Scales hold (m − 1)
/// / 2, the even 16 values below.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ2_XS : IGridBlock<IQ2_XS>
{
    /// <summary>512 points.</summary>
    private static readonly Grid Points = new(
        dimension: 8, levels: 3, unit: 2,
        "AAEBAQEBAQEBAQEBAQIBAQEBAQEBAgEDAQEBAgECAQUBAQEBAQEBAQEBAwEBAQIBAwMCAQMJAQEBAgEDBQEDAgcECgEBAQEBAQECAQMBAQECAQECBQEDCQEB" +
        "AQIBAwUBAwUEDgEDBwIBDgwBAQEBAQEDAgMBAwMGCQQBAQMJDgMKCQMWAgUBAQEBAQEBAgEDAQEBAgEDBAEBAwkBAQECAQMFAQMJBgEHAQECCQkSAQEBAgED" +
        "BQECAQYDDgEDCRsGCxgBAwEIBgoLAhciFQEBAQEBAQEDBQEDCQkFAQMJAwgQChEMAgEDCAEbDgUQBggeAgMBBQsKBx0GDAYTAgEKAQEBAQEBAQIBAwEBAQEB" +
        "AQMCAwEDCQEBAQIBAwUBAwkCCAQBAwEHARsBAQECAQIBBQEDCQYIAQMGAxYFBAsDFwEDCQIEBBEFCgMIECcBAQECAQMDAgEDCQ4BAwIHARoPGQEBAwUECQUJ" +
        "BAMYAxQQCwQGCAQRDgUBNwwBAwkGBAYKATMHDwgHJgkCFiwaGSARBBEBAQECAQMEAQEDCQELAQEBAQIJBQMTCRIBCAMCAQMBAQcJCAoPFwoTDgMICwUBCwQw" +
        "EQMEBQIBAwkHCAwKDiUKCgINAwMgEwEWLRQTHhASAQIBBQQXFwMRAgECCg4JEhRICgoFAQIYAwMbARcBEwg=");

    public Half Scale;
    public Bytes64 Quants;
    public Bytes8 Scales;

    public static int Length => 256;

    public static int ScaleLength => 16;

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
        var quants = MemoryMarshal.Cast<byte, ushort>((ReadOnlySpan<byte>)Quants);
        for (int j = 0; j < 16; j++) multipliers[j] = (byte)((2 * ((Scales[j / 2] >> (4 * (j % 2))) & 15)) + 1);
        for (int l = 0; l < 32; l++) Points.Signed(quants[l] & 511, Grid.EvenSigns(quants[l] >> 9), codes.Slice(8 * l, 8));
    }
}
