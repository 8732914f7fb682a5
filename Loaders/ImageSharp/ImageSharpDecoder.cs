using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using TinyMllm.Loaders.Images;
using IImageDecoder = TinyMllm.Loaders.Images.IImageDecoder;
using ImageFormatException = TinyMllm.Loaders.Images.ImageFormatException;

namespace TinyMllm.ImageSharp;

/// <summary>
/// Decodes with SixLabors.ImageSharp: all that it reads, TIFF, TGA, QOI and PBM included. Register it once at the start:
/// <code>ImageDecoders.Default = new ImageSharpDecoder();</code>
/// ImageSharp does not say when a file was cut short, so <see cref="ImageOptions.AcceptTruncated"/> has no effect: what it forgives is
/// returned.
/// </summary>
public sealed class ImageSharpDecoder : IImageDecoder
{
    private static readonly DecoderOptions s_firstFrame = new() { MaxFrames = 1 };

    /// <inheritdoc/>
    public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (file.IsEmpty) throw new ImageFormatException("the file is empty");
        try
        {
            // The canvas comes first: it checks the limits.
            ImageInfo info = Image.Identify(s_firstFrame, file);
            var canvas = new ImageCanvas(info.Width, info.Height, options, ReadOrientation(info.Metadata.ExifProfile), cancellation);
            using Image<Rgba32> image = Image.Load<Rgba32>(s_firstFrame, file);
            image.ProcessPixelRows(rows =>
            {
                for (int y = 0; y < rows.Height; y++) canvas.WriteRgba(y, MemoryMarshal.AsBytes(rows.GetRowSpan(y)));
            });
            return canvas.ToImage();
        }
        catch (Exception error) when (error is not (ImageFormatException or OutOfMemoryException or OperationCanceledException))
        {
            // Besides its own exceptions ImageSharp lets some of the runtime's escape when bytes are damaged.
            throw new ImageFormatException($"ImageSharp: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }

    private static ImageOrientation ReadOrientation(ExifProfile? exif) =>
        exif is not null && exif.TryGetValue(ExifTag.Orientation, out IExifValue<ushort>? value) && value.Value is >= 1 and <= 8
            ? (ImageOrientation)value.Value
            : ImageOrientation.TopLeft;
}
