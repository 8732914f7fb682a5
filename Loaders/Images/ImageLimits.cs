namespace TinyMllm.Loaders.Images;

/// <summary>Checks that stand between a size read from a file and an allocation.</summary>
internal static class ImageLimits
{
    /// <summary>Sizes up to this need no proof from the amount of data: 16 Mi pixels, 48 MiB.</summary>
    private const long AlwaysPlausible = 1L << 24;

    /// <summary>
    /// Longest side. Decoders hold a few rows besides the pixels, of up to 30 bytes per pixel; a picture of one endless row would take ten
    /// times its size.
    /// </summary>
    private const long MostSide = 1L << 20;

    /// <summary>Refuses an empty picture, one above the user's limit, and one larger than its data could ever describe.</summary>
    /// <param name="format">Name for the message.</param>
    /// <param name="width">Pixels of a row, as read.</param>
    /// <param name="height">Rows, as read.</param>
    /// <param name="describable">Most pixels that the file's bytes can encode in this format.</param>
    /// <param name="options">Holds the limit.</param>
    public static void Check(string format, long width, long height, long describable, ImageOptions options)
    {
        Check($"{format}: ", width, height, options);
        if (width * height > Math.Max(describable, AlwaysPlausible))
            throw new ImageFormatException($"{format}: picture of {width}×{height} pixels, but the data can hold at most {describable}");
    }

    /// <summary>Refuses an empty picture and one above the user's limit.</summary>
    /// <param name="prefix">Stands before the message.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="options">Holds the limit.</param>
    public static void Check(string prefix, long width, long height, ImageOptions options)
    {
        if (width <= 0 || height <= 0) throw new ImageFormatException($"{prefix}picture of {width}×{height} pixels");
        if (width > MostSide || height > MostSide)
            throw new ImageFormatException($"{prefix}picture of {width}×{height} pixels; the limit is {MostSide} for a side");
        long most = Math.Min(options.MaxPixels, Array.MaxLength / RgbImage.BytesPerPixel);
        if (width * height > most)
            throw new ImageFormatException($"{prefix}picture of {width}×{height} pixels; the limit is {most} pixels");
    }
}
