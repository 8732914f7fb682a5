namespace TinyMllm.Kernels.Resampling;

/// <summary>The weights by which <see cref="GridResampling"/> mixes grid rows or columns, one axis at a time.</summary>
/// <remarks>A filter names, for a target index, a range of source indices; those beyond the grid are clamped to its border.</remarks>
public interface IGridFilter
{
    /// <summary>First and end (exclusive) source index of target <paramref name="i"/>; may lie outside the grid.</summary>
    static abstract (int First, int End) Range(int i, int source, int target);

    /// <summary>Weight of source <paramref name="j"/> for target <paramref name="i"/>; weights need not sum to 1.</summary>
    static abstract float Weight(int i, int j, int source, int target);
}

/// <summary>Triangle filter whose support grows when the grid shrinks (PyTorch's bilinear with antialias).</summary>
public readonly struct AntialiasedLinear : IGridFilter
{
    /// <inheritdoc/>
    public static (int First, int End) Range(int i, int source, int target)
    {
        float scale = (float)target / source;
        float radius = MathF.Max(1, 1 / scale);
        float centre = (i + 0.5f) / scale;
        return ((int)MathF.Max(centre - radius + 0.5f, 0), (int)MathF.Min(centre + radius + 0.5f, source));
    }

    /// <inheritdoc/>
    public static float Weight(int i, int j, int source, int target)
    {
        float scale = (float)target / source;
        return MathF.Max(0, 1 - MathF.Abs((j - (i + 0.5f) / scale + 0.5f) / MathF.Max(1, 1 / scale)));
    }
}

/// <summary>Linear interpolation between pixel centres, clamped at the border, no antialiasing.</summary>
public readonly struct CentredLinear : IGridFilter
{
    /// <inheritdoc/>
    public static (int First, int End) Range(int i, int source, int target)
    {
        int first = (int)MathF.Floor(Position(i, source, target));
        return (first, first + 2);
    }

    /// <inheritdoc/>
    public static float Weight(int i, int j, int source, int target) => MathF.Max(0, 1 - MathF.Abs(Position(i, source, target) - j));

    private static float Position(int i, int source, int target) => (i + 0.5f) / ((float)target / source) - 0.5f;
}

/// <summary>Linear interpolation with the corners of both grids aligned: source position <c>i·(source−1)/(target−1)</c>.</summary>
public readonly struct CornerLinear : IGridFilter
{
    /// <inheritdoc/>
    public static (int First, int End) Range(int i, int source, int target)
    {
        int first = (int)Position(i, source, target);
        return (first, first + 2);
    }

    /// <inheritdoc/>
    public static float Weight(int i, int j, int source, int target) => MathF.Max(0, 1 - MathF.Abs(Position(i, source, target) - j));

    private static float Position(int i, int source, int target) => target > 1 ? i * (float)(source - 1) / (target - 1) : 0;
}

/// <summary>Cubic convolution (Keys, a = −0.75) between pixel centres, clamped at the border, no antialiasing.</summary>
public readonly struct CentredCubic : IGridFilter
{
    private const float A = -0.75f;

    /// <inheritdoc/>
    public static (int First, int End) Range(int i, int source, int target)
    {
        int first = (int)MathF.Floor(Position(i, source, target)) - 1;
        return (first, first + 4);
    }

    /// <inheritdoc/>
    public static float Weight(int i, int j, int source, int target)
    {
        float x = MathF.Abs(Position(i, source, target) - j);
        if (x <= 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
        return x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A : 0;
    }

    private static float Position(int i, int source, int target) => (i + 0.5f) / ((float)target / source) - 0.5f;
}
