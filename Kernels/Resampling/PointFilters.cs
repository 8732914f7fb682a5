using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Resampling;

/// <summary>How <see cref="PointResampling"/> places samples and mixes neighbours.</summary>
public interface IPointFilter
{
    /// <summary>True if the neighbours −1 and +2 take part besides +1.</summary>
    static abstract bool IsCubic { get; }

    /// <summary>Source pixels per target pixel along one axis.</summary>
    static abstract float Step(int source, int target);

    /// <summary>The values at fraction <paramref name="t"/> (0…1) of the way from one sample to the next; four at a time.</summary>
    /// <param name="before">The samples at −1; only for a cubic.</param>
    /// <param name="here">The samples at 0.</param>
    /// <param name="after">The samples at 1.</param>
    /// <param name="afterNext">The samples at 2; only for a cubic.</param>
    /// <param name="t">The fraction.</param>
    static abstract Vector128<float> Mix(
        Vector128<float> before, Vector128<float> here, Vector128<float> after, Vector128<float> afterNext, float t);

    /// <summary>Values as grey levels, 0 to 255.</summary>
    static abstract Vector128<int> Levels(Vector128<float> values);
}

/// <summary>Corner-aligned linear interpolation, results truncated: the first and last pixels of both pictures coincide.</summary>
public readonly struct CornerBilinear : IPointFilter
{
    /// <inheritdoc/>
    public static bool IsCubic => false;

    /// <inheritdoc/>
    public static float Step(int source, int target) => target > 1 ? (source - 1) / (float)(target - 1) : 0;

    /// <inheritdoc/>
    public static Vector128<float> Mix(
        Vector128<float> before, Vector128<float> here, Vector128<float> after, Vector128<float> afterNext, float t) => here + t * (after - here);

    /// <inheritdoc/>
    public static Vector128<int> Levels(Vector128<float> values) =>
        Vector128.Clamp(Vector128.ConvertToInt32(values), Vector128<int>.Zero, Vector128.Create(255));
}

/// <summary>
/// The cubic through four neighbours (Lagrange form) with top-left sampling: no half-pixel shift, no antialiasing, results rounded half
/// away from zero. With d0 = p(−1) − p, d2 = p(1) − p, d3 = p(2) − p the value is <c>p + a1·t + a2·t·t + a3·t·t·t</c>, where
/// <c>a1 = −⅓·d0 + d2 − ⅙·d3, a2 = ½·d0 + ½·d2, a3 = −⅙·d0 − ½·d2 + ⅙·d3</c>.
/// </summary>
/// <remarks>
/// The coefficients are computed in double precision and rounded to single, the polynomial in single precision from the left. That order
/// is llama.cpp's, and it shows: at simple ratios of sizes many values lie half way between two grey levels, and any other order sends one
/// in a thousand of them the other way. Ours had weights of the neighbours (fewer operations) before; the difference to the goldens was one
/// level in 1 to 2 of 1,000 values.
/// </remarks>
public readonly struct TopLeftBicubic : IPointFilter
{
    /// <inheritdoc/>
    public static bool IsCubic => true;

    /// <inheritdoc/>
    public static float Step(int source, int target) => source / (float)target;

    /// <inheritdoc/>
    public static Vector128<float> Mix(
        Vector128<float> before, Vector128<float> here, Vector128<float> after, Vector128<float> afterNext, float t)
    {
        Vector128<float> d0 = before - here, d2 = after - here, d3 = afterNext - here;
        (Vector128<double> d0Low, Vector128<double> d0High) = Vector128.Widen(d0);
        (Vector128<double> d2Low, Vector128<double> d2High) = Vector128.Widen(d2);
        (Vector128<double> d3Low, Vector128<double> d3High) = Vector128.Widen(d3);
        var a1 = Vector128.Narrow(First(d0Low, d2Low, d3Low), First(d0High, d2High, d3High));
        var a2 = Vector128.Narrow(0.5 * d0Low + 0.5 * d2Low, 0.5 * d0High + 0.5 * d2High);
        var a3 = Vector128.Narrow(Third(d0Low, d2Low, d3Low), Third(d0High, d2High, d3High));
        return here + a1 * t + a2 * t * t + a3 * t * t * t;
    }

    /// <inheritdoc/>
    public static Vector128<int> Levels(Vector128<float> values)
    {
        values = Vector128.Max(values, Vector128<float>.Zero);
        var whole = Vector128.ConvertToInt32(values);
        Vector128<float> rest = values - Vector128.ConvertToSingle(whole);
        whole -= Vector128.GreaterThanOrEqual(rest, Vector128.Create(0.5f)).AsInt32(); // A true comparison is −1.
        return Vector128.Min(whole, Vector128.Create(255));
    }

    private static Vector128<double> First(Vector128<double> d0, Vector128<double> d2, Vector128<double> d3) => -1.0 / 3 * d0 + d2 - 1.0 / 6 * d3;

    private static Vector128<double> Third(Vector128<double> d0, Vector128<double> d2, Vector128<double> d3) => -1.0 / 6 * d0 - 0.5 * d2 + 1.0 / 6 * d3;
}
