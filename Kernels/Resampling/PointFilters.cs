namespace TinyMllm.Kernels.Resampling;

/// <summary>
/// How <see cref="PointResampling"/> places samples and weighs neighbours. The value at fraction t right of pixel p is
/// <c>p + Σ w(t)·(neighbour − p)</c>, so a flat picture stays exactly flat whatever the rounding of the weights.
/// </summary>
public interface IPointFilter
{
    /// <summary>True if the neighbours −1 and +2 take part besides +1.</summary>
    static abstract bool IsCubic { get; }

    /// <summary>True if results are rounded to the nearest level, false if they are truncated.</summary>
    static abstract bool Rounds { get; }

    /// <summary>Source pixels per target pixel along one axis.</summary>
    static abstract float Step(int source, int target);

    /// <summary>Weights of the neighbours at fraction <paramref name="t"/> (0…1).</summary>
    static abstract PointWeights Weights(float t);
}

/// <summary>Weights of the differences to the pixels one before, one after and two after.</summary>
/// <param name="Before">Weight of <c>p(x−1) − p(x)</c>.</param>
/// <param name="After">Weight of <c>p(x+1) − p(x)</c>.</param>
/// <param name="AfterNext">Weight of <c>p(x+2) − p(x)</c>.</param>
public readonly record struct PointWeights(float Before, float After, float AfterNext);

/// <summary>Corner-aligned linear interpolation, results truncated: the first and last pixels of both pictures coincide.</summary>
public readonly struct CornerBilinear : IPointFilter
{
    /// <inheritdoc/>
    public static bool IsCubic => false;

    /// <inheritdoc/>
    public static bool Rounds => false;

    /// <inheritdoc/>
    public static float Step(int source, int target) => target > 1 ? (source - 1) / (float)(target - 1) : 0;

    /// <inheritdoc/>
    public static PointWeights Weights(float t) => new(0, t, 0);
}

/// <summary>
/// The cubic through four neighbours (Lagrange form) with top-left sampling: no half-pixel shift, no antialiasing, results rounded.
/// With d0 = p(−1) − p, d2 = p(1) − p, d3 = p(2) − p the value is
/// <c>p + (−d0/3 + d2 − d3/6)·t + (d0 + d2)/2·t² + (−d0/6 − d2/2 + d3/6)·t³</c>, here sorted by d0, d2, d3.
/// </summary>
public readonly struct TopLeftBicubic : IPointFilter
{
    /// <inheritdoc/>
    public static bool IsCubic => true;

    /// <inheritdoc/>
    public static bool Rounds => true;

    /// <inheritdoc/>
    public static float Step(int source, int target) => source / (float)target;

    /// <inheritdoc/>
    public static PointWeights Weights(float t)
    {
        float t2 = t * t, t3 = t2 * t;
        return new(-t / 3 + t2 / 2 - t3 / 6, t + t2 / 2 - t3 / 2, (t3 - t) / 6);
    }
}
