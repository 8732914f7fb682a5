using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ImageSharp;

/// <summary>Pictures of SixLabors.ImageSharp as the engine's, and back. All of them copy the pixels.</summary>
public static class ImageSharpConversions
{
    private static readonly ImageOptions s_anySize = new() { MaxPixels = int.MaxValue };

    /// <summary>Copies an opaque picture; its EXIF orientation is not applied.</summary>
    /// <param name="image">The picture; of several frames the first is taken.</param>
    public static RgbImage ToRgbImage(this Image<Rgb24> image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var canvas = new ImageCanvas(image.Width, image.Height, s_anySize);
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++) canvas.WriteRgb(y, MemoryMarshal.AsBytes(rows.GetRowSpan(y)));
        });
        return canvas.ToImage();
    }

    /// <summary>Copies a picture with straight alpha; its EXIF orientation is not applied.</summary>
    /// <param name="image">The picture; of several frames the first is taken.</param>
    /// <param name="background">What shows through transparent pixels; null: alpha is ignored. By default white, as in <see cref="ImageOptions"/>.</param>
    public static RgbImage ToRgbImage(this Image<Rgba32> image, RgbColor? background)
    {
        ArgumentNullException.ThrowIfNull(image);
        var canvas = new ImageCanvas(image.Width, image.Height, s_anySize with { Background = background });
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++) canvas.WriteRgba(y, MemoryMarshal.AsBytes(rows.GetRowSpan(y)));
        });
        return canvas.ToImage();
    }

    /// <inheritdoc cref="ToRgbImage(Image{Rgba32}, RgbColor?)"/>
    public static RgbImage ToRgbImage(this Image<Rgba32> image) => ToRgbImage(image, ImageOptions.Default.Background);

    /// <summary>Copies a picture to one of ImageSharp's, to be drawn on, encoded or resized there. Dispose it.</summary>
    /// <param name="image">The picture.</param>
    public static Image<Rgb24> ToImageSharp(this RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Image.LoadPixelData<Rgb24>(image.Pixels.Span, image.Width, image.Height);
    }
}
