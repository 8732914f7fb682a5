namespace TinyMllm.Kernels.Resampling;

/// <summary>
/// Taps of one axis of an antialiased cubic (a = −0.5), in the fixed point of Pillow: the support grows with the reduction, weights are
/// scaled by 2²² and sum to 1. Written into the caller's buffers once per axis.
/// </summary>
public readonly ref struct AntialiasedCubic
{
    /// <summary>Fractional bits of a weight.</summary>
    public const int FractionBits = 22;

    private readonly Span<int> _firsts;
    private readonly Span<int> _counts;
    private readonly Span<int> _weights;
    private readonly int _stride;

    private AntialiasedCubic(Span<int> buffer, int target, int stride)
    {
        _firsts = buffer[..target];
        _counts = buffer.Slice(target, target);
        _weights = buffer.Slice(2 * target, target * stride);
        _stride = stride;
    }

    /// <summary>
    /// Integers of buffer that <see cref="Create"/> needs for resampling <paramref name="source"/> pixels to <paramref name="target"/>.
    /// </summary>
    public static int BufferLength(int source, int target) => checked(target * (2 + MaxTaps(source, target)));

    /// <summary>Computes the taps of every target pixel into <paramref name="buffer"/>.</summary>
    public static AntialiasedCubic Create(int source, int target, Span<int> buffer)
    {
        int stride = MaxTaps(source, target);
        AntialiasedCubic axis = new(buffer, target, stride);
        double scale = (double)source / target;
        double spread = Math.Max(scale, 1.0);
        double support = 2.0 * spread;
        for (int i = 0; i < target; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max(0, (int)(centre - support + 0.5));
            int end = Math.Min(source, (int)(centre + support + 0.5));
            double sum = 0;
            for (int j = first; j < end; j++) sum += Kernel((j - centre + 0.5) / spread);
            for (int j = first; j < end; j++)
            {
                double weight = Kernel((j - centre + 0.5) / spread) / sum * (1 << FractionBits);
                axis._weights[i * stride + j - first] = (int)Math.Round(weight + (weight < 0 ? -0.5 : 0.5), MidpointRounding.AwayFromZero);
            }

            axis._firsts[i] = first;
            axis._counts[i] = end - first;
        }

        return axis;
    }

    /// <summary>First source pixel that target pixel <paramref name="i"/> reads.</summary>
    public int First(int i) => _firsts[i];

    /// <summary>Weights of the source pixels from <see cref="First"/> on.</summary>
    public ReadOnlySpan<int> Weights(int i) => _weights.Slice(i * _stride, _counts[i]);

    /// <summary>Most source pixels that one target pixel reads.</summary>
    public static int MaxTaps(int source, int target) => (int)Math.Ceiling(2.0 * Math.Max((double)source / target, 1.0)) * 2 + 1;

    private static double Kernel(double x)
    {
        x = Math.Abs(x);
        if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
        return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
    }
}
