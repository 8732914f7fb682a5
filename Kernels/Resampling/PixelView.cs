namespace TinyMllm.Kernels.Resampling;

/// <summary>An 8-bit RGB picture to read: rows from top to bottom, three bytes per pixel, no padding.</summary>
/// <param name="pixels">At least <c>width · height · 3</c> bytes.</param>
/// <param name="width">Pixels per row, at least 1.</param>
/// <param name="height">Rows, at least 1.</param>
public readonly ref struct PixelView(ReadOnlySpan<byte> pixels, int width, int height)
{
    /// <summary>Bytes per pixel.</summary>
    public const int Channels = 3;

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Pixels { get; } = pixels[..checked(width * height * Channels)];

    /// <summary>Pixels per row.</summary>
    public int Width { get; } = width;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>The bytes of row <paramref name="y"/>.</summary>
    public ReadOnlySpan<byte> Row(int y) => Pixels.Slice(y * Width * Channels, Width * Channels);
}

/// <summary>An 8-bit RGB picture to write, laid out as <see cref="PixelView"/>.</summary>
/// <param name="pixels">At least <c>width · height · 3</c> bytes.</param>
/// <param name="width">Pixels per row, at least 1.</param>
/// <param name="height">Rows, at least 1.</param>
public readonly ref struct PixelTarget(Span<byte> pixels, int width, int height)
{
    /// <summary>The bytes.</summary>
    public Span<byte> Pixels { get; } = pixels[..checked(width * height * PixelView.Channels)];

    /// <summary>Pixels per row.</summary>
    public int Width { get; } = width;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>The bytes of row <paramref name="y"/>.</summary>
    public Span<byte> Row(int y) => Pixels.Slice(y * Width * PixelView.Channels, Width * PixelView.Channels);
}

/// <summary>Where a target lies in the resized picture it is a part of: tiles are made one by one, and the whole is never in memory.</summary>
/// <param name="Width">Pixels per row of the whole.</param>
/// <param name="Height">Rows of the whole.</param>
/// <param name="Left">First column of the part.</param>
/// <param name="Top">First row of the part.</param>
public readonly record struct ResizedPart(int Width, int Height, int Left = 0, int Top = 0);
