namespace TinyMllm.Loaders.Images;

/// <summary>Checks that stand between a size read from a file and an allocation.</summary>
internal static class ImageLimits
{
    /// <summary>Sizes up to this need no proof from the amount of data: 16 Mi pixels, 64 MiB.</summary>
    private const long AlwaysPlausible = 1L << 24;

    /// <summary>Refuses an empty picture, one above the user's limit, and one larger than its data could ever describe.</summary>
    /// <param name="format">Name for the message.</param>
    /// <param name="width">Pixels of a row, as read.</param>
    /// <param name="height">Rows, as read.</param>
    /// <param name="describable">Most pixels that the file's bytes can encode in this format.</param>
    /// <param name="options">Holds the limit.</param>
    public static void Check(string format, long width, long height, long describable, ImageOptions options)
    {
        if (width <= 0 || height <= 0) throw new ImageFormatException($"{format}: picture of {width}×{height} pixels");
        long most = Math.Min(options.MaxPixels, int.MaxValue / RgbaImage.BytesPerPixel);
        if (width > most || height > most || width * height > most)
            throw new ImageFormatException($"{format}: picture of {width}×{height} pixels; the limit is {most} pixels");
        if (width * height > Math.Max(describable, AlwaysPlausible))
            throw new ImageFormatException($"{format}: picture of {width}×{height} pixels, but the data can hold at most {describable}");
    }
}
