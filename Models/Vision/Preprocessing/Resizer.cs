using System.Buffers;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Vision.Preprocessing;

/// <summary>Brings a picture to a size in a <see cref="ResizeStyle"/> (shared/spec/vision-models.md, 4.2), and cuts tiles.</summary>
internal static class Resizer
{
    private const int Channels = PixelView.Channels;

    /// <summary>Largest reduction per axis that goes through an antialiased filter.</summary>
    private const int MaxReduction = 256;

    /// <summary>The pixels of <paramref name="image"/> at <paramref name="size"/>.</summary>
    public static byte[] Resize(RgbImage image, PixelSize size, ResizeStyle style)
    {
        var source = new PixelView(image.Pixels.Span, image.Width, image.Height);
        if (size == new PixelSize(image.Width, image.Height)) return source.Pixels.ToArray();

        PixelSize inner = InnerSize(source, size, style.Fitting);
        var pixels = new byte[checked(inner.Width * inner.Height * Channels)];
        var target = new PixelTarget(pixels, inner.Width, inner.Height);
        if (inner == new PixelSize(image.Width, image.Height)) source.Pixels.CopyTo(pixels);
        else Resample(source, target, style.Interpolation);
        return inner == size ? pixels : Paste(pixels, inner, size, style);
    }

    /// <summary>The rectangle at (<paramref name="left"/>, <paramref name="top"/>) of size <paramref name="tile"/>.</summary>
    public static byte[] Crop(ReadOnlySpan<byte> pixels, PixelSize size, int left, int top, PixelSize tile)
    {
        var cut = new byte[checked(tile.Width * tile.Height * Channels)];
        for (int y = 0; y < tile.Height; y++)
        {
            pixels.Slice(((top + y) * size.Width + left) * Channels, tile.Width * Channels)
                .CopyTo(cut.AsSpan(y * tile.Width * Channels));
        }

        return cut;
    }

    /// <summary>The size of the picture inside its padding.</summary>
    private static PixelSize InnerSize(PixelView source, PixelSize size, Fitting fitting)
    {
        if (fitting == Fitting.Stretch) return size;
        float scale = Math.Min(size.Width / (float)source.Width, size.Height / (float)source.Height);
        return new PixelSize(Side(source.Width, size.Width), Side(source.Height, size.Height));

        int Side(int from, int limit)
        {
            float side = fitting == Fitting.Pad ? MathF.Ceiling(from * scale) : MathF.Round(from * scale, MidpointRounding.AwayFromZero);
            return Math.Clamp((int)side, 1, limit);
        }
    }

    private static void Resample(PixelView source, PixelTarget target, Interpolation interpolation)
    {
        // Beyond that an average over hundreds of pixels is a flat grey anyway, and the taps would need more memory than the picture.
        bool extreme = source.Width > (long)MaxReduction * target.Width || source.Height > (long)MaxReduction * target.Height;
        if (interpolation == Interpolation.Pillow && !extreme)
        {
            byte[] between = ArrayPool<byte>.Shared.Rent(PillowResampling.ScratchBytes(source, target.Width, target.Height));
            int[] taps = ArrayPool<int>.Shared.Rent(PillowResampling.ScratchTaps(source, target.Width, target.Height));
            PillowResampling.Resample(source, target, between, taps);
            ArrayPool<int>.Shared.Return(taps);
            ArrayPool<byte>.Shared.Return(between);
            return;
        }

        float[] scratch = ArrayPool<float>.Shared.Rent(PointResampling.ScratchLength(target.Width));
        if (interpolation != Interpolation.Bicubic) PointResampling.Resample<CornerBilinear>(source, target, scratch);
        else PointResampling.Resample<TopLeftBicubic>(source, target, scratch);
        ArrayPool<float>.Shared.Return(scratch);
    }

    /// <summary>Puts the picture into the middle of a filled canvas.</summary>
    private static byte[] Paste(byte[] pixels, PixelSize inner, PixelSize size, ResizeStyle style)
    {
        var canvas = new byte[checked(size.Width * size.Height * Channels)];
        if (style.Fill != default)
        {
            ReadOnlySpan<byte> colour = [style.Fill.Red, style.Fill.Green, style.Fill.Blue];
            for (int i = 0; i < canvas.Length; i += Channels) colour.CopyTo(canvas.AsSpan(i));
        }

        (int left, int top) = (Offset(size.Width - inner.Width), Offset(size.Height - inner.Height));
        for (int y = 0; y < inner.Height; y++)
        {
            pixels.AsSpan(y * inner.Width * Channels, inner.Width * Channels)
                .CopyTo(canvas.AsSpan(((top + y) * size.Width + left) * Channels));
        }

        return canvas;

        int Offset(int rest) => style.Fitting == Fitting.Pad ? rest / 2 : (int)MathF.Round(rest / 2f, MidpointRounding.AwayFromZero);
    }
}
