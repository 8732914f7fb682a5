namespace TinyMllm.Loaders.Images;

/// <summary>
/// Where a decoder writes a picture, row by row in any order. It holds 3 bytes per pixel and nothing else: transparent pixels are laid over
/// the background and rows are put where they belong in the upright picture as they come.
/// </summary>
public sealed class ImageCanvas
{
    private readonly Memory<byte> _pixels;
    private readonly RgbColor? _background;
    private readonly CancellationToken _cancellation;
    private readonly PixelSteps _steps;

    /// <summary>Takes the memory. Pixels that are never written stay black.</summary>
    /// <param name="width">Pixels of a row as stored.</param>
    /// <param name="height">Rows as stored.</param>
    /// <param name="options">Limits, background, and whether <paramref name="orientation"/> is applied.</param>
    /// <param name="orientation">How the picture must be turned to stand upright.</param>
    /// <param name="cancellationToken">Makes the next written row throw.</param>
    /// <exception cref="ImageFormatException">The picture is empty, or larger than the options allow.</exception>
    public ImageCanvas(
        int width, int height, ImageOptions options, ImageOrientation orientation = ImageOrientation.TopLeft, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImageLimits.Check("", width, height, options);
        (Width, Height, _background, _cancellation) = (width, height, options.Background, cancellationToken);
        _steps = PixelSteps.Of(options.ApplyOrientation ? orientation : ImageOrientation.TopLeft, width, height);
        int bytes = width * height * RgbImage.BytesPerPixel;
        _pixels = options.Memory?.Rent(bytes) ?? new byte[bytes];
    }

    /// <summary>Pixels of a row as stored.</summary>
    public int Width { get; }

    /// <summary>Rows as stored.</summary>
    public int Height { get; }

    /// <summary>Writes opaque pixels.</summary>
    /// <param name="y">The row.</param>
    /// <param name="rgb">Red, green, blue of each pixel.</param>
    /// <param name="x">Column of the first one.</param>
    /// <param name="step">Columns from one to the next.</param>
    /// <exception cref="ArgumentOutOfRangeException">They leave the picture.</exception>
    /// <exception cref="OperationCanceledException">Decoding was cancelled.</exception>
    public void WriteRgb(int y, ReadOnlySpan<byte> rgb, int x = 0, int step = 1)
    {
        int count = Check(y, x, step, rgb.Length, RgbImage.BytesPerPixel);
        if (_steps.IsUpright && step == 1) rgb.CopyTo(Target(x, y, count));
        else Scatter(y, rgb, x, step);
    }

    /// <summary>Writes pixels with (straight) alpha.</summary>
    /// <param name="y">The row.</param>
    /// <param name="rgba">Red, green, blue, alpha of each pixel.</param>
    /// <param name="x">Column of the first one.</param>
    /// <param name="step">Columns from one to the next.</param>
    /// <exception cref="ArgumentOutOfRangeException">They leave the picture.</exception>
    /// <exception cref="OperationCanceledException">Decoding was cancelled.</exception>
    public void WriteRgba(int y, ReadOnlySpan<byte> rgba, int x = 0, int step = 1)
    {
        const int Bytes = 4, Chunk = 256;
        int count = Check(y, x, step, rgba.Length, Bytes);
        if (_steps.IsUpright && step == 1)
        {
            Alpha.Resolve(rgba, Target(x, y, count), _background);
            return;
        }

        Span<byte> rgb = stackalloc byte[Chunk * RgbImage.BytesPerPixel];
        for (int done = 0; done < count; done += Chunk)
        {
            int pixels = Math.Min(Chunk, count - done);
            Span<byte> part = rgb[..(pixels * RgbImage.BytesPerPixel)];
            Alpha.Resolve(rgba.Slice(done * Bytes, pixels * Bytes), part, _background);
            Scatter(y, part, x + done * step, step);
        }
    }

    /// <summary>Lays pixels that were written as opaque over the background: alpha that a file stores apart from the colours.</summary>
    /// <param name="y">The row.</param>
    /// <param name="alpha">Alpha of each pixel.</param>
    /// <param name="x">Column of the first one.</param>
    internal void ApplyAlpha(int y, ReadOnlySpan<byte> alpha, int x)
    {
        Check(y, x, 1, alpha.Length, 1);
        if (_background is not { } background) return;
        Span<byte> pixels = _pixels.Span;
        int at = _steps.Index(x, y) * RgbImage.BytesPerPixel, next = _steps.Column * RgbImage.BytesPerPixel;
        for (int i = 0; i < alpha.Length; i++, at += next)
            if (alpha[i] != byte.MaxValue) Alpha.Composite(pixels.Slice(at, RgbImage.BytesPerPixel), alpha[i], background);
    }

    /// <summary>Makes every pixel transparent: the background, or the stored colour where alpha is dropped.</summary>
    /// <param name="stored">Colour of these pixels in the file.</param>
    public void Clear(RgbColor stored)
    {
        RgbColor colour = _background ?? stored;
        Span<byte> pixels = _pixels.Span;
        ReadOnlySpan<byte> pixel = [colour.Red, colour.Green, colour.Blue];
        for (int i = 0; i < pixels.Length; i += RgbImage.BytesPerPixel) pixel.CopyTo(pixels[i..]);
    }

    /// <summary>The picture, upright; the canvas must not be written any more.</summary>
    /// <param name="isComplete">False when part of the pixels was missing.</param>
    public RgbImage ToImage(bool isComplete = true) => RgbImage.Own(
        _steps.IsTransposed ? Height : Width, _steps.IsTransposed ? Width : Height, _pixels, isComplete);

    private int Check(int y, int x, int step, int bytes, int bytesPerPixel)
    {
        _cancellation.ThrowIfCancellationRequested();
        int count = bytes / bytesPerPixel;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
        ArgumentOutOfRangeException.ThrowIfNegative(x);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        if (count > 0) ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(x + (count - 1L) * step, Width, nameof(x));
        return count;
    }

    private Span<byte> Target(int x, int y, int count) =>
        _pixels.Span.Slice((y * Width + x) * RgbImage.BytesPerPixel, count * RgbImage.BytesPerPixel);

    private void Scatter(int y, ReadOnlySpan<byte> rgb, int x, int step)
    {
        Span<byte> pixels = _pixels.Span;
        int at = _steps.Index(x, y) * RgbImage.BytesPerPixel, next = _steps.Column * step * RgbImage.BytesPerPixel;
        for (int i = 0; i < rgb.Length; i += RgbImage.BytesPerPixel, at += next)
            (pixels[at], pixels[at + 1], pixels[at + 2]) = (rgb[i], rgb[i + 1], rgb[i + 2]);
    }
}
