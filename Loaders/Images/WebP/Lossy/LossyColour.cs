using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// YUV 4:2:0 to RGB: chroma is interpolated from the four nearest samples with weights 9 3 3 1 (in the two roundings that decoders agree
/// on), then converted by ITU-R BT.601 in studio range with 14-bit factors.
/// </summary>
internal static class LossyColour
{
    /// <summary>Fills red, green and blue of all pixels and makes them opaque.</summary>
    public static void Convert(LossyPlane luma, LossyPlane blue, LossyPlane red, int width, int height, Span<byte> rgba)
    {
        int chromaWidth = (width + 1) / 2, chromaHeight = (height + 1) / 2;
        Span<byte> blueRow = new byte[width], redRow = new byte[width];
        for (int y = 0; y < height; y++)
        {
            int near = y / 2, far = Math.Clamp((y & 1) == 0 ? near - 1 : near + 1, 0, chromaHeight - 1);
            Upsample(blue.Row(near, chromaWidth), blue.Row(far, chromaWidth), blueRow);
            Upsample(red.Row(near, chromaWidth), red.Row(far, chromaWidth), redRow);
            ConvertRow(luma.Row(y, width), blueRow, redRow, MemoryMarshal.Cast<byte, uint>(rgba.Slice(y * width * 4, width * 4)));
        }
    }

    private static void Upsample(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> row)
    {
        for (int x = 0; x < row.Length; x++)
        {
            int own = x / 2, next = Math.Clamp((x & 1) == 0 ? own - 1 : own + 1, 0, near.Length - 1);
            int blend = near[own] + 3 * near[next] + 3 * far[own] + far[next] + 8 >> 3;
            row[x] = (byte)(blend + near[own] >> 1);
        }
    }

    private static void ConvertRow(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<uint> pixels)
    {
        for (int x = 0; x < pixels.Length; x++)
        {
            int y = Scale(luma[x], 19077), u = blue[x], v = red[x];
            uint r = ToByte(y + Scale(v, 26149) - 14234);
            uint g = ToByte(y - Scale(u, 6419) - Scale(v, 13320) + 8708);
            uint b = ToByte(y + Scale(u, 33050) - 17685);
            pixels[x] = r | g << 8 | b << 16 | 0xFF000000;
        }
    }

    private static int Scale(int sample, int factor) => sample * factor >> 8;

    private static uint ToByte(int value) => (uint)Math.Clamp(value >> 6, 0, 255);
}
