namespace TinyMllm.Kernels.Resampling;

/// <summary>The oracle of <see cref="PointResampling"/>: both filters as their definitions stand, one value at a time.</summary>
public static class PointResamplingScalar
{
    /// <summary>Corner-aligned bilinear resampling: two horizontal lerps, one vertical, truncated.</summary>
    public static void Bilinear(PixelView source, PixelTarget target)
    {
        float stepX = CornerBilinear.Step(source.Width, target.Width), stepY = CornerBilinear.Step(source.Height, target.Height);
        for (int row = 0; row < target.Height; row++)
        {
            for (int column = 0; column < target.Width; column++)
            {
                float px = column * stepX, py = row * stepY;
                int x = Math.Min((int)px, source.Width - 1), y = Math.Min((int)py, source.Height - 1);
                for (int channel = 0; channel < PixelView.Channels; channel++)
                {
                    float top = Lerp(At(source, x, y, channel), At(source, x + 1, y, channel), px - x);
                    float bottom = Lerp(At(source, x, y + 1, channel), At(source, x + 1, y + 1, channel), px - x);
                    target.Row(row)[column * PixelView.Channels + channel] = (byte)Lerp(top, bottom, py - y);
                }
            }
        }
    }

    /// <summary>Top-left bicubic resampling: the polynomial on four rows, then on the four results, rounded and clamped.</summary>
    public static void Bicubic(PixelView source, PixelTarget target)
    {
        float stepX = TopLeftBicubic.Step(source.Width, target.Width), stepY = TopLeftBicubic.Step(source.Height, target.Height);
        Span<float> rows = stackalloc float[4];
        for (int row = 0; row < target.Height; row++)
        {
            for (int column = 0; column < target.Width; column++)
            {
                float px = column * stepX, py = row * stepY;
                int x = (int)px, y = (int)py;
                for (int channel = 0; channel < PixelView.Channels; channel++)
                {
                    for (int tap = 0; tap < 4; tap++)
                    {
                        int line = y - 1 + tap;
                        rows[tap] = Cubic(At(source, x - 1, line, channel), At(source, x, line, channel),
                            At(source, x + 1, line, channel), At(source, x + 2, line, channel), px - x);
                    }

                    float value = Cubic(rows[0], rows[1], rows[2], rows[3], py - y);
                    target.Row(row)[column * PixelView.Channels + channel] = (byte)Math.Clamp((int)MathF.Round(value, MidpointRounding.AwayFromZero), 0, 255);
                }
            }
        }
    }

    private static float Lerp(float from, float to, float t) => from + (to - from) * t;

    private static float Cubic(float before, float p, float after, float afterNext, float t)
    {
        float d0 = before - p, d2 = after - p, d3 = afterNext - p;
        float a1 = (float)(-1.0 / 3 * d0 + d2 - 1.0 / 6 * d3);
        float a2 = (float)(0.5 * d0 + 0.5 * d2);
        float a3 = (float)(-1.0 / 6 * d0 - 0.5 * d2 + 1.0 / 6 * d3);
        return p + a1 * t + a2 * t * t + a3 * t * t * t;
    }

    private static float At(PixelView source, int x, int y, int channel) =>
        source.Row(Math.Clamp(y, 0, source.Height - 1))[Math.Clamp(x, 0, source.Width - 1) * PixelView.Channels + channel];
}
