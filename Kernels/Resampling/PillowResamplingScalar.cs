namespace TinyMllm.Kernels.Resampling;

/// <summary>The oracle of <see cref="PillowResampling"/>: each pass as its sum stands.</summary>
public static class PillowResamplingScalar
{
    /// <summary>Resamples.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="target">Receives the resized picture.</param>
    /// <param name="between">Source height × target width pixels.</param>
    /// <param name="taps">As for <see cref="PillowResampling"/>.</param>
    public static void Resample(PixelView source, PixelTarget target, Span<byte> between, Span<int> taps)
    {
        PixelTarget middle = new(between, target.Width, source.Height);
        var columns = AntialiasedCubic.Create(source.Width, target.Width, taps);
        for (int y = 0; y < middle.Height; y++)
        {
                for (int i = 0; i < middle.Row(y).Length; i++)
                    middle.Row(y)[i] = source.Width == target.Width ? source.Row(y)[i] : Level(source, columns, i / 3, y, i % 3, horizontal: true);
        }

        var lines = AntialiasedCubic.Create(source.Height, target.Height, taps);
        PixelView narrowed = new(between, target.Width, source.Height);
        for (int y = 0; y < target.Height; y++)
        {
                for (int i = 0; i < target.Row(y).Length; i++)
                    target.Row(y)[i] = source.Height == target.Height ? narrowed.Row(y)[i] : Level(narrowed, lines, i / 3, y, i % 3, horizontal: false);
        }
    }

    private static byte Level(PixelView source, AntialiasedCubic axis, int x, int y, int channel, bool horizontal)
    {
        int target = horizontal ? x : y;
        int sum = 1 << (AntialiasedCubic.FractionBits - 1);
        for (int tap = 0; tap < axis.Weights(target).Length; tap++)
        {
            int at = axis.First(target) + tap;
            sum += axis.Weights(target)[tap] * (horizontal ? source.Row(y)[at * 3 + channel] : source.Row(at)[x * 3 + channel]);
        }

        return (byte)Math.Clamp(sum >> AntialiasedCubic.FractionBits, 0, 255);
    }
}
