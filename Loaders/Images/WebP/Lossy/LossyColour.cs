namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// YUV 4:2:0 to RGB: chroma is interpolated from the four nearest samples with weights 9 3 3 1 (in the two roundings that decoders agree
/// on), then converted by ITU-R BT.601 in studio range with 14-bit factors.
/// </summary>
internal static class LossyColour
{
    /// <summary>Converts a line of the frame to opaque pixels.</summary>
    /// <param name="frame">Has its planes.</param>
    /// <param name="y">The line.</param>
    /// <param name="rgba">Receives a frame's width of pixels.</param>
    public static void Convert(LossyFrame frame, int y, Span<uint> rgba)
    {
        int near = y / 2, far = Math.Clamp((y & 1) == 0 ? near - 1 : near + 1, 0, frame.ChromaHeight - 1);
        Upsample(frame.Blue.Line(near, frame.ChromaWidth), frame.Blue.Line(far, frame.ChromaWidth), frame.BlueLine);
        Upsample(frame.Red.Line(near, frame.ChromaWidth), frame.Red.Line(far, frame.ChromaWidth), frame.RedLine);
        ConvertRow(frame.Luma.Line(y, frame.Width), frame.BlueLine, frame.RedLine, rgba);
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
