namespace TinyMllm.Loaders.Images;

/// <summary>A picture as the models want it: 8-bit RGB, row-major, top row first, no padding.</summary>
public sealed class RgbImage
{
    private const int BytesPerPixel = 3;
    private readonly byte[] _pixels;

    private RgbImage(int width, int height, byte[] pixels, bool isComplete = true) =>
        (Width, Height, _pixels, IsComplete) = (width, height, pixels, isComplete);

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Red, green, blue of every pixel, row after row: <see cref="Width"/> · <see cref="Height"/> · 3 bytes.</summary>
    public ReadOnlyMemory<byte> Pixels => _pixels;

    /// <summary>
    /// False when part of the pixels was missing and is filled in: <see cref="ImageOptions.AcceptTruncated"/> let a broken file pass, or a
    /// JPEG's scan holds less data than its blocks need, which all decoders let pass.
    /// </summary>
    public bool IsComplete { get; }

    /// <summary>Reads a picture file.</summary>
    /// <param name="path">The file; its format is told from its content, not from its name.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <exception cref="ImageFormatException">The file is not a picture that can be read; the message names it.</exception>
    /// <exception cref="IOException">The file cannot be read at all.</exception>
    public static RgbImage Load(string path, ImageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] file = File.ReadAllBytes(path);
        try
        {
            return Decode(file, options);
        }
        catch (ImageFormatException error)
        {
            throw new ImageFormatException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Decodes a picture that lies in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions? options = null)
    {
        options ??= ImageOptions.Default;
        RgbaImage decoded = (options.Decoder ?? ImageDecoders.Default).Decode(file, options);
        if (options.ApplyOrientation) decoded = Upright.Turn(decoded);

        var pixels = GC.AllocateUninitializedArray<byte>(checked(decoded.Width * decoded.Height * BytesPerPixel));
        if (options.Background is { } background) Alpha.Composite(decoded.Pixels, pixels, background);
        else Alpha.Drop(decoded.Pixels, pixels);
        return new RgbImage(decoded.Width, decoded.Height, pixels, decoded.IsComplete);
    }

    /// <summary>Decodes a picture from a stream, read to its end.</summary>
    /// <param name="stream">Where the file comes from; left open.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read.</exception>
    public static RgbImage Decode(Stream stream, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Decode(memory.GetBuffer().AsSpan(0, (int)memory.Length), options);
    }

    /// <summary>Copies raw RGB pixels.</summary>
    /// <param name="pixels">Red, green, blue bytes, rows <paramref name="stride"/> bytes apart.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="stride">Bytes from one row to the next; 0: rows follow each other without a gap.</param>
    /// <exception cref="ArgumentException">The sizes do not fit the data.</exception>
    public static RgbImage FromRgb(ReadOnlySpan<byte> pixels, int width, int height, int stride = 0)
    {
        stride = CheckRaw(pixels.Length, width, height, BytesPerPixel, stride);
        int rowBytes = width * BytesPerPixel;
        var copy = new byte[checked(rowBytes * height)];
        for (int y = 0; y < height; y++) pixels.Slice(y * stride, rowBytes).CopyTo(copy.AsSpan(y * rowBytes));
        return new RgbImage(width, height, copy);
    }

    /// <summary>Copies raw RGBA pixels; alpha (straight) is dropped, or shows <paramref name="background"/>.</summary>
    /// <param name="pixels">Red, green, blue, alpha bytes, rows <paramref name="stride"/> bytes apart.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="stride">Bytes from one row to the next; 0: rows follow each other without a gap.</param>
    /// <param name="background">Colour below transparent pixels; null drops alpha.</param>
    /// <exception cref="ArgumentException">The sizes do not fit the data.</exception>
    public static RgbImage FromRgba(ReadOnlySpan<byte> pixels, int width, int height, int stride = 0, RgbColor? background = null)
    {
        stride = CheckRaw(pixels.Length, width, height, RgbaImage.BytesPerPixel, stride);
        int rowBytes = width * BytesPerPixel;
        var rgb = new byte[checked(rowBytes * height)];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> source = pixels.Slice(y * stride, width * RgbaImage.BytesPerPixel);
            Span<byte> target = rgb.AsSpan(y * rowBytes, rowBytes);
            if (background is { } colour) Alpha.Composite(source, target, colour);
            else Alpha.Drop(source, target);
        }

        return new RgbImage(width, height, rgb);
    }

    /// <summary>Takes pixels that nobody else will change, without copying them.</summary>
    internal static RgbImage Own(int width, int height, byte[] pixels)
    {
        CheckRaw(pixels.Length, width, height, BytesPerPixel, 0);
        return new RgbImage(width, height, pixels);
    }

    private static int CheckRaw(int length, int width, int height, int bytesPerPixel, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegative(stride);
        long rowBytes = (long)width * bytesPerPixel;
        long step = stride == 0 ? rowBytes : stride;
        if (step < rowBytes)
            throw new ArgumentException(
                $"a row of {width} pixels takes {rowBytes} bytes, more than the stride of {stride}", nameof(stride));
        Int128 needed = (Int128)step * (height - 1) + rowBytes;
        if (length < needed)
            throw new ArgumentException(
                $"{width}×{height} pixels, rows {step} bytes apart, take {needed} bytes; found {length}", nameof(length));
        return (int)step;
    }
}
