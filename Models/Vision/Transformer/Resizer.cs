using System.Buffers;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// Brings a picture to a size in a <see cref="ResizeStyle"/> (docs/models/vision.md#resizing), and cuts tiles. It runs inside the patch
/// embedding, one tile at a time, into scratch of the encoder: preprocessing only decides on sizes.
/// </summary>
internal static class Resizer
{
    private const int Channels = PixelView.Channels;

    /// <summary>Largest reduction per axis that goes through an antialiased filter.</summary>
    private const int MaxReduction = 256;

    /// <summary>The pixels of <paramref name="image"/> at <paramref name="size"/>.</summary>
    public static byte[] Resize(RgbImage image, PixelSize size, ResizeStyle style)
    {
        var pixels = new byte[checked(size.Width * size.Height * Channels)];
        Cut(image, size, style, default, new PixelTarget(pixels, size.Width, size.Height));
        return pixels;
    }

    /// <summary>A rectangle of <paramref name="image"/> at <paramref name="size"/>; nothing else of the resized picture is computed.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="size">Size of the whole.</param>
    /// <param name="style">How it is resized.</param>
    /// <param name="corner">Left and top of the rectangle.</param>
    /// <param name="tile">Receives the rectangle.</param>
    /// <param name="content">Size of the picture in the upper left corner of the whole; null: as the style says.</param>
    public static void Cut(
        RgbImage image, PixelSize size, ResizeStyle style, (int Left, int Top) corner, PixelTarget tile, PixelSize? content = null)
    {
        var source = new PixelView(image.Pixels.Span, image.Width, image.Height);
        PixelSize inner = content ?? InnerSize(source, size, style.Fitting);
        (int x, int y) = content is null
            ? (Offset(size.Width - inner.Width, style.Fitting) - corner.Left, Offset(size.Height - inner.Height, style.Fitting) - corner.Top)
            : (-corner.Left, -corner.Top);

        // Columns left … right and rows top … bottom of the tile show the picture, the rest its padding.
        (int left, int right) = (Math.Clamp(x, 0, tile.Width), Math.Clamp(x + inner.Width, 0, tile.Width));
        (int top, int bottom) = (Math.Clamp(y, 0, tile.Height), Math.Clamp(y + inner.Height, 0, tile.Height));
        var part = new ResizedPart(inner.Width, inner.Height, left - x, top - y);
        if (right - left == tile.Width && bottom - top == tile.Height)
        {
            Resample(source, part, tile, style.Interpolation);
            return;
        }

        Fill(tile, style.Fill);
        if (right == left || bottom == top) return;
        var shown = new PixelTarget(new byte[(right - left) * (bottom - top) * Channels], right - left, bottom - top);
        Resample(source, part, shown, style.Interpolation);
        for (int row = 0; row < shown.Height; row++) shown.Row(row).CopyTo(tile.Row(top + row)[(left * Channels)..]);
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

    private static void Resample(PixelView source, ResizedPart part, PixelTarget target, Interpolation interpolation)
    {
        if (part.Width == source.Width && part.Height == source.Height)
        {
            for (int row = 0; row < target.Height; row++) source.Row(part.Top + row).Slice(part.Left * Channels, target.Width * Channels).CopyTo(target.Row(row));
            return;
        }

        // Beyond that an average over hundreds of pixels is a flat grey anyway, and the taps would need more memory than the picture.
        bool extreme = source.Width > (long)MaxReduction * part.Width || source.Height > (long)MaxReduction * part.Height;
        if (interpolation == Interpolation.Pillow && !extreme)
        {
            byte[] between = ArrayPool<byte>.Shared.Rent(PillowResampling.ScratchBytes(source, target.Width, part.Height));
            int[] taps = ArrayPool<int>.Shared.Rent(PillowResampling.ScratchTaps(source, part.Width, part.Height));
            PillowResampling.Resample(source, part, target, between, taps);
            ArrayPool<int>.Shared.Return(taps);
            ArrayPool<byte>.Shared.Return(between);
            return;
        }

        float[] scratch = ArrayPool<float>.Shared.Rent(PointResampling.ScratchLength(target.Width));
        if (interpolation != Interpolation.Bicubic) PointResampling.Resample<CornerBilinear>(source, part, target, scratch);
        else PointResampling.Resample<TopLeftBicubic>(source, part, target, scratch);
        ArrayPool<float>.Shared.Return(scratch);
    }

    private static int Offset(int rest, Fitting fitting) => fitting == Fitting.PadNearest ? (int)MathF.Round(rest / 2f, MidpointRounding.AwayFromZero) : rest / 2;

    private static void Fill(PixelTarget target, RgbColor color)
    {
        ReadOnlySpan<byte> pixel = [color.Red, color.Green, color.Blue];
        for (int i = 0; i < target.Pixels.Length; i += Channels) pixel.CopyTo(target.Pixels[i..]);
    }
}
