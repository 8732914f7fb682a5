namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Eight 6-bit scales and eight 6-bit minima in 12 bytes, as Q4_K and Q5_K store them.
/// <code>
/// bytes 0…3    bits 0…5: scale j        bits 6…7: upper bits of scale j + 4
/// bytes 4…7    bits 0…5: minimum j      bits 6…7: upper bits of minimum j + 4
/// bytes 8…11   bits 0…3: lower bits of scale j + 4, bits 4…7: of minimum j + 4        (j = 0 … 3)
/// </code>
/// </summary>
internal static class ScalesAndMinima
{
    /// <summary>Scale and minimum of sub-block <paramref name="j"/>, 0 … 63.</summary>
    public static (int Scale, int Minimum) Unpack(ReadOnlySpan<byte> packed, int j) => j < 4
        ? (packed[j] & 63, packed[j + 4] & 63)
        : ((packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4), (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4));

    /// <summary>Packs eight scales and minima, 0 … 63 each.</summary>
    public static void Pack(ReadOnlySpan<byte> scales, ReadOnlySpan<byte> minima, Span<byte> packed)
    {
        for (int j = 0; j < 4; j++)
        {
            packed[j] = (byte)(scales[j] | ((scales[j + 4] >> 4) << 6));
            packed[j + 4] = (byte)(minima[j] | ((minima[j + 4] >> 4) << 6));
            packed[j + 8] = (byte)((scales[j + 4] & 15) | ((minima[j + 4] & 15) << 4));
        }
    }
}
