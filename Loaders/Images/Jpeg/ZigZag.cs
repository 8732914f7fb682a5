namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>The order in which coefficients are coded (T.81, figure A.6).</summary>
internal static class ZigZag
{
    /// <summary>
    /// Row-major position of the k-th coefficient. A run of zeros in damaged data may lead up to 16 beyond the last one; it lands on the
    /// last one, as in everybody's decoder.
    /// </summary>
    public static ReadOnlySpan<byte> NaturalOrder =>
    [
        0, 1, 8, 16, 9, 2, 3, 10,
        17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34,
        27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36,
        29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46,
        53, 60, 61, 54, 47, 55, 62, 63,
        63, 63, 63, 63, 63, 63, 63, 63,
        63, 63, 63, 63, 63, 63, 63, 63,
    ];
}
