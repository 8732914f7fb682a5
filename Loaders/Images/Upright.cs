using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images;

/// <summary>Applies <see cref="RgbaImage.Orientation"/>.</summary>
internal static class Upright
{
    /// <summary>
    /// The picture as it is meant to be seen. Each orientation is a transposition or none, followed by mirroring one or both axes; so a row
    /// of the result is a walk through the source with a constant step, one of ±1 (columns) or ±width (rows).
    /// </summary>
    public static RgbaImage Turn(RgbaImage image)
    {
        ImageOrientation orientation = image.Orientation;
        if (orientation is <= ImageOrientation.TopLeft or > ImageOrientation.LeftBottom) return image;

        (int width, int height) = (image.Width, image.Height);
        bool transposed = orientation >= ImageOrientation.LeftTop;
        bool fromRight = orientation is ImageOrientation.TopRight or ImageOrientation.BottomRight
            or ImageOrientation.RightBottom or ImageOrientation.LeftBottom;
        bool fromBottom = orientation is ImageOrientation.BottomRight or ImageOrientation.BottomLeft
            or ImageOrientation.RightTop or ImageOrientation.RightBottom;

        int first = (fromBottom ? (height - 1) * width : 0) + (fromRight ? width - 1 : 0);
        int acrossColumns = fromRight ? -1 : 1, acrossRows = fromBottom ? -width : width;
        (int stepX, int stepY) = transposed ? (acrossRows, acrossColumns) : (acrossColumns, acrossRows);
        (int newWidth, int newHeight) = transposed ? (height, width) : (width, height);

        ReadOnlySpan<uint> source = MemoryMarshal.Cast<byte, uint>(image.Pixels);
        var pixels = GC.AllocateUninitializedArray<byte>(image.Pixels.Length);
        Span<uint> target = MemoryMarshal.Cast<byte, uint>(pixels.AsSpan());
        for (int y = 0; y < newHeight; y++)
        {
            int from = first + y * stepY;
            foreach (ref uint pixel in target.Slice(y * newWidth, newWidth))
            {
                pixel = source[from];
                from += stepX;
            }
        }

        return new RgbaImage(newWidth, newHeight, pixels) { IsComplete = image.IsComplete };
    }
}
