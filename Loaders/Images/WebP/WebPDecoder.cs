using System.Runtime.InteropServices;
using TinyMllm.Loaders.Images.WebP.Lossless;
using TinyMllm.Loaders.Images.WebP.Lossy;

namespace TinyMllm.Loaders.Images.WebP;

/// <summary>WebP: lossy (VP8) with or without alpha, lossless (VP8L), and the first frame of an animation.</summary>
internal static class WebPDecoder
{
    public const string Name = "WebP";

    /// <summary>A lossy macroblock of 256 pixels takes about two bits at least.</summary>
    private const long MostLossyPixelsPerByte = 1024;

    /// <summary>One colour everywhere takes no bits at all; this much is still believed.</summary>
    private const long MostLosslessPixelsPerByte = 1 << 16;

    public static bool Recognises(ReadOnlySpan<byte> file) =>
        file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8);

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        var chunks = new WebPChunks(file);
        if (chunks.Lossy.IsEmpty && chunks.Lossless.IsEmpty) throw new ImageFormatException("WebP: no VP8 or VP8L chunk");
        if (chunks.IsTruncated && !options.AcceptTruncated)
            throw new ImageFormatException($"WebP: the file ends at byte {file.Length}, within the picture");

        bool isLossy = !chunks.Lossy.IsEmpty;
        (int width, int height) = isLossy ? LossySize(chunks.Lossy) : LosslessDecoder.ReadSize(chunks.Lossless);
        long describable = isLossy ? chunks.Lossy.Length * MostLossyPixelsPerByte : chunks.Lossless.Length * MostLosslessPixelsPerByte;
        ImageLimits.Check(Name, width, height, describable, options);
        ImageCanvas canvas = CreateCanvas(chunks, width, height, options, cancellationToken);

        bool isComplete = isLossy ? DecodeLossy(chunks, width, height, options, canvas) : DecodeLossless(chunks, width, height, options, canvas);
        return canvas.ToImage(isComplete && !chunks.IsTruncated);
    }

    private static (int Width, int Height) LossySize(ReadOnlySpan<byte> chunk)
    {
        (int width, int height, _) = LossyHeader.ReadTag(chunk);
        return (width, height);
    }

    /// <summary>The canvas of an animation may be larger than its first frame; around it the picture is transparent black.</summary>
    private static ImageCanvas CreateCanvas(WebPChunks chunks, int width, int height, ImageOptions options, CancellationToken cancellationToken)
    {
        if (chunks.Canvas is not { } full || full == (width, height)) return new ImageCanvas(width, height, options, chunks.Orientation, cancellationToken);
        (int x, int y) = chunks.FrameOffset;
        ImageLimits.Check(Name, full.Width, full.Height, width * (long)height, options);
        if (x + width > full.Width || y + height > full.Height)
        {
                throw new ImageFormatException(
                    $"WebP: a frame of {width}×{height} pixels at ({x}, {y}) leaves the canvas of {full.Width}×{full.Height}");
        }

        var canvas = new ImageCanvas(full.Width, full.Height, options, chunks.Orientation, cancellationToken);
        canvas.Clear(RgbColor.Black);
        return canvas;
    }

    private static bool DecodeLossy(WebPChunks chunks, int width, int height, ImageOptions options, ImageCanvas canvas)
    {
        (int x, int y) = FrameOffset(chunks, canvas, width, height);
        bool isComplete = LossyDecoder.Decode(chunks.Lossy, width, height, options.AcceptTruncated, (row, rgba) => canvas.WriteRgba(y + row, rgba, x));
        if (!chunks.Alpha.IsEmpty)
            isComplete &= WebPAlpha.Decode(chunks.Alpha, width, height, options.AcceptTruncated, (row, alpha) => canvas.ApplyAlpha(y + row, alpha, x));
        return isComplete;
    }

    private static bool DecodeLossless(WebPChunks chunks, int width, int height, ImageOptions options, ImageCanvas canvas)
    {
        (int x, int y) = FrameOffset(chunks, canvas, width, height);
        uint opaque = LosslessDecoder.HasAlpha(chunks.Lossless) ? 0 : 0xFF000000;
        return LosslessDecoder.Decode(chunks.Lossless[LosslessDecoder.HeaderBytes..], width, height, options.AcceptTruncated, (row, argb) =>
        {
            // Red and blue change places.
            foreach (ref uint pixel in argb) pixel = pixel & 0xFF00FF00 | pixel >> 16 & 0xFF | (pixel & 0xFF) << 16 | opaque;
            canvas.WriteRgba(y + row, MemoryMarshal.AsBytes(argb), x);
        });
    }

    private static (int X, int Y) FrameOffset(WebPChunks chunks, ImageCanvas canvas, int width, int height) =>
        (canvas.Width, canvas.Height) == (width, height) ? (0, 0) : chunks.FrameOffset;
}
