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

    public static RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options)
    {
        var chunks = new WebPChunks(file);
        if (chunks.Lossy.IsEmpty && chunks.Lossless.IsEmpty) throw new ImageFormatException("WebP: no VP8 or VP8L chunk");
        if (chunks.IsTruncated && !options.AcceptTruncated)
            throw new ImageFormatException($"WebP: the file ends at byte {file.Length}, within the picture");

        RgbaImage image = chunks.Lossy.IsEmpty ? DecodeLossless(chunks.Lossless, options) : DecodeLossy(chunks, options);
        bool isComplete = image.IsComplete && !chunks.IsTruncated;
        byte[] pixels = image.Pixels;
        (int width, int height) = (image.Width, image.Height);
        if (chunks.Canvas is { } canvas && canvas != (width, height))
        {
            pixels = PlaceOnCanvas(image, canvas.Width, canvas.Height, chunks.FrameOffset.X, chunks.FrameOffset.Y, options);
            (width, height) = canvas;
        }

        return new RgbaImage(width, height, pixels) { Orientation = chunks.Orientation, IsComplete = isComplete };
    }

    private static RgbaImage DecodeLossy(WebPChunks chunks, ImageOptions options)
    {
        (int width, int height, _) = LossyHeader.ReadTag(chunks.Lossy);
        ImageLimits.Check(Name, width, height, chunks.Lossy.Length * MostLossyPixelsPerByte, options);
        byte[] pixels = LossyDecoder.Decode(chunks.Lossy, width, height, options.AcceptTruncated, out bool isComplete);
        if (!chunks.Alpha.IsEmpty) isComplete &= WebPAlpha.Apply(chunks.Alpha, width, height, pixels, options.AcceptTruncated);
        return new RgbaImage(width, height, pixels) { IsComplete = isComplete };
    }

    private static RgbaImage DecodeLossless(ReadOnlySpan<byte> chunk, ImageOptions options)
    {
        (int width, int height) = LosslessDecoder.ReadSize(chunk);
        ImageLimits.Check(Name, width, height, chunk.Length * MostLosslessPixelsPerByte, options);
        ReadOnlySpan<byte> data = chunk[LosslessDecoder.HeaderBytes..];
        uint[] argb = LosslessDecoder.Decode(data, width, height, options.AcceptTruncated, out bool isComplete);
        var pixels = new byte[argb.Length * RgbaImage.BytesPerPixel];
        Span<uint> rgba = MemoryMarshal.Cast<byte, uint>(pixels.AsSpan());
        for (int i = 0; i < argb.Length; i++) rgba[i] = argb[i] & 0xFF00FF00 | argb[i] >> 16 & 0xFF | (argb[i] & 0xFF) << 16;
        return new RgbaImage(width, height, pixels) { IsComplete = isComplete };
    }

    /// <summary>Transparent black around the frame.</summary>
    private static byte[] PlaceOnCanvas(RgbaImage frame, int width, int height, int x, int y, ImageOptions options)
    {
        ImageLimits.Check(Name, width, height, frame.Width * (long)frame.Height, options);
        if (x + frame.Width > width || y + frame.Height > height)
            throw new ImageFormatException(
                $"WebP: a frame of {frame.Width}×{frame.Height} pixels at ({x}, {y}) leaves the canvas of {width}×{height}");
        var pixels = new byte[width * height * RgbaImage.BytesPerPixel];
        for (int row = 0; row < frame.Height; row++)
            frame.Row(row).CopyTo(pixels.AsSpan(((y + row) * width + x) * RgbaImage.BytesPerPixel));
        return pixels;
    }
}
