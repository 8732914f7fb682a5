namespace TinyMllm.Loaders.Images;

/// <summary>What a decoder hands over: 8-bit RGBA pixels, row-major, straight (not premultiplied) alpha, as stored in the file.</summary>
public sealed class RgbaImage
{
    /// <summary>Bytes of one pixel.</summary>
    internal const int BytesPerPixel = 4;

    /// <summary>Wraps <paramref name="pixels"/>.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixels">Red, green, blue, alpha; <paramref name="width"/> · <paramref name="height"/> · 4 bytes. Not copied.</param>
    /// <exception cref="ArgumentException">The sizes are not positive or do not fit the array.</exception>
    public RgbaImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.LongLength != (long)width * height * BytesPerPixel)
            throw new ArgumentException(
                $"{width}×{height} RGBA pixels need {(long)width * height * BytesPerPixel} bytes, found {pixels.Length}", nameof(pixels));
        (Width, Height, Pixels) = (width, height, pixels);
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Red, green, blue, alpha of every pixel, row after row.</summary>
    public byte[] Pixels { get; }

    /// <summary>How the picture must be turned to stand upright; not yet applied.</summary>
    public ImageOrientation Orientation { get; init; } = ImageOrientation.TopLeft;

    /// <summary>False when part of the pixels was missing and is filled in.</summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>Row <paramref name="y"/> as bytes.</summary>
    internal Span<byte> Row(int y) => Pixels.AsSpan(y * Width * BytesPerPixel, Width * BytesPerPixel);
}
