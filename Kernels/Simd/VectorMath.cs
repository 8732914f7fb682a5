using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Simd;

/// <summary>Transcendental functions on a vector of floats.</summary>
internal static class VectorMath
{
    /// <summary>
    /// e^x by x = n·ln 2 + r, |r| ≤ ½·ln 2, and a polynomial of degree 6 for e^r (Cephes' coefficients). Relative error below 2·10⁻⁷ for
    /// −87 ≤ x ≤ 88; below that the result stays at e^−87 ≈ 1.6·10⁻³⁸, above it at e^88.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x)
        where T : unmanaged, IMathLanes<T> => ExpUpTo88(T.Min(x, T.Splat(88f)));

    /// <summary><see cref="Exp"/> where x is known to be at most 88, as in a softmax.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ExpUpTo88<T>(T x)
        where T : unmanaged, IMathLanes<T>
    {
        x = T.Max(x, T.Splat(-87f));
        T n = T.Round(x * T.Splat(1.44269504f));
        T r = T.MultiplyAdd(n, T.Splat(-0.693359375f), x);
        r = T.MultiplyAdd(n, T.Splat(2.12194440e-4f), r);
        T p = T.MultiplyAdd(T.Splat(1.9875691500e-4f), r, T.Splat(1.3981999507e-3f));
        p = T.MultiplyAdd(p, r, T.Splat(8.3334519073e-3f));
        p = T.MultiplyAdd(p, r, T.Splat(4.1665795894e-2f));
        p = T.MultiplyAdd(p, r, T.Splat(1.6666665459e-1f));
        p = T.MultiplyAdd(p, r, T.Splat(0.5f));
        p = T.MultiplyAdd(p, r * r, r) + T.Splat(1f);
        return T.Scale(p, n);
    }

    /// <summary>1 / (1 + e^−x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid<T>(T x)
        where T : unmanaged, IMathLanes<T> => T.Splat(1f) / (T.Splat(1f) + Exp(T.Zero - x));

    /// <summary>
    /// ln(1 + z) for 0 ≤ z ≤ 1, as 2·artanh(w) with w = z/(2 + z) ≤ ⅓: the series of odd powers up to w¹³ leaves less than 10⁻⁸.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log1pOfUnit<T>(T z)
        where T : unmanaged, IMathLanes<T>
    {
        T w = z / (T.Splat(2f) + z);
        T square = w * w;
        T p = T.MultiplyAdd(T.Splat(1 / 13f), square, T.Splat(1 / 11f));
        p = T.MultiplyAdd(p, square, T.Splat(1 / 9f));
        p = T.MultiplyAdd(p, square, T.Splat(1 / 7f));
        p = T.MultiplyAdd(p, square, T.Splat(1 / 5f));
        p = T.MultiplyAdd(p, square, T.Splat(1 / 3f));
        p = T.MultiplyAdd(p, square, T.Splat(1f));
        return T.Splat(2f) * w * p;
    }

    /// <summary>The error function by Abramowitz and Stegun 7.1.26; absolute error below 2·10⁻⁷.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Erf<T>(T x)
        where T : unmanaged, IMathLanes<T>
    {
        T a = T.Abs(x);
        T t = T.Splat(1f) / T.MultiplyAdd(T.Splat(0.3275911f), a, T.Splat(1f));
        T p = T.MultiplyAdd(T.Splat(1.061405429f), t, T.Splat(-1.453152027f));
        p = T.MultiplyAdd(p, t, T.Splat(1.421413741f));
        p = T.MultiplyAdd(p, t, T.Splat(-0.284496736f));
        p = T.MultiplyAdd(p, t, T.Splat(0.254829592f));
        return T.CopySign(T.Splat(1f) - (p * t * Exp(T.Zero - (a * a))), x);
    }
}
