using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Metadata;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using TinyMllm.Loaders.Images;
using ImageFormatException = TinyMllm.Loaders.Images.ImageFormatException;

namespace TinyMllm.ImageSharp;

/// <summary>
/// Decodes with SixLabors.ImageSharp 2.1: PNG, JPEG, GIF, BMP, WebP, and TIFF, TGA and PBM besides. Register it once at the start:
/// <code>ImageDecoders.Use(new ImageSharpDecoder());</code>
/// ImageSharp does not say when a file was cut short, so <see cref="ImageOptions.AcceptTruncated"/> has no effect: what it forgives is
/// returned. Flaws with crafted files are reported for the 2.1 line; take it for files that you trust.
/// </summary>
public sealed class ImageSharpDecoder : IImageDecoder
{
    private const int FirstColumnOfSecondPass = 4;

    private static readonly Configuration s_firstFrame = MakeFirstFrame();

    /// <inheritdoc/>
    public unsafe RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (file.IsEmpty) throw new ImageFormatException("the file is empty");
        try
        {
            // The canvas comes first: it checks the limits.
            IImageInfo info;
            fixed (byte* bytes = file)
            {
                using var stream = new UnmanagedMemoryStream(bytes, file.Length);
                info = Image.Identify(s_firstFrame, stream)
                    ?? throw new ImageFormatException("ImageSharp: the file is no picture of a format that it reads");
            }

            // Its loop over Adam7's passes never ends where the second one, which begins at column 4, is empty.
            if (info.Width <= FirstColumnOfSecondPass && info.Metadata.GetPngMetadata().InterlaceMethod == PngInterlaceMode.Adam7)
                throw new ImageFormatException($"ImageSharp: it cannot read interlaced PNGs of {info.Width} columns");

            var canvas = new ImageCanvas(info.Width, info.Height, options, ReadOrientation(info.Metadata), cancellationToken);
            using var image = Image.Load<Rgba32>(s_firstFrame, file);
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

    internal static ImageOrientation ReadOrientation(ImageMetadata metadata) =>
        metadata.ExifProfile?.GetValue(ExifTag.Orientation)?.Value is { } value and >= 1 and <= 8
            ? (ImageOrientation)value
            : ImageOrientation.TopLeft;

    private static Configuration MakeFirstFrame()
    {
        Configuration configuration = Configuration.Default.Clone();
        configuration.ImageFormatsManager.SetDecoder(GifFormat.Instance, new GifDecoder { DecodingMode = FrameDecodingMode.First });
        configuration.ImageFormatsManager.SetDecoder(TiffFormat.Instance, new TiffDecoder { DecodingMode = FrameDecodingMode.First });
        return configuration;
    }
}
