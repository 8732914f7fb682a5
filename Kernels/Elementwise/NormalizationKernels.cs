using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>
/// RMSNorm (Zhang and Sennrich 2019): y = x / √(mean(x²) + ε) ⊙ w. LayerNorm (Ba et al. 2016): y = (x − μ) / √(σ² + ε) ⊙ w + b with the biased variance.
/// One row at a time; a null weight counts as ones, a null bias as zeros; y may be x.
/// </summary>
public static unsafe class NormalizationKernels
{
    /// <summary>RMSNorm of <paramref name="count"/> values.</summary>
    public static void RmsNorm(float* x, float* weight, float* y, int count, float epsilon)
    {
        if (Isa.Current.Lanes == 16) RmsNorm<Float16>(x, weight, y, count, epsilon);
        else if (Isa.Current.Lanes == 8) RmsNorm<Float8>(x, weight, y, count, epsilon);
        else RmsNorm<Float4>(x, weight, y, count, epsilon);
    }

    /// <summary>LayerNorm of <paramref name="count"/> values.</summary>
    public static void LayerNorm(float* x, float* weight, float* bias, float* y, int count, float epsilon)
    {
        if (Isa.Current.Lanes == 16) LayerNorm<Float16>(x, weight, bias, y, count, epsilon);
        else if (Isa.Current.Lanes == 8) LayerNorm<Float8>(x, weight, bias, y, count, epsilon);
        else LayerNorm<Float4>(x, weight, bias, y, count, epsilon);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RmsNorm<T>(float* x, float* weight, float* y, int count, float epsilon)
        where T : unmanaged, IFloatLanes<T>
    {
        float scale = 1 / MathF.Sqrt((SquaredDistance<T>(x, 0, count) / count) + epsilon);
        ScaleShift<T>(x, 0, scale, weight, null, y, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LayerNorm<T>(float* x, float* weight, float* bias, float* y, int count, float epsilon)
        where T : unmanaged, IFloatLanes<T>
    {
        T sums = T.Zero;
        int i = 0;
        for (; i <= count - T.Count; i += T.Count) sums += T.Load(x + i);
        float sum = T.Sum(sums);
        for (; i < count; i++) sum += x[i];
        float mean = sum / count;
        float scale = 1 / MathF.Sqrt((SquaredDistance<T>(x, mean, count) / count) + epsilon);
        ScaleShift<T>(x, mean, scale, weight, bias, y, count);
    }

    /// <summary>Σ (x − centre)²; two accumulators hide the latency of the multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SquaredDistance<T>(float* x, float centre, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T middle = T.Splat(centre), even = T.Zero, odd = T.Zero;
        int i = 0;
        for (; i <= count - (2 * T.Count); i += 2 * T.Count)
        {
            T a = T.Load(x + i) - middle, b = T.Load(x + i + T.Count) - middle;
            even = T.MultiplyAdd(a, a, even);
            odd = T.MultiplyAdd(b, b, odd);
        }

        for (; i <= count - T.Count; i += T.Count)
        {
            T a = T.Load(x + i) - middle;
            even = T.MultiplyAdd(a, a, even);
        }

        float sum = T.Sum(even + odd);
        for (; i < count; i++) sum += (x[i] - centre) * (x[i] - centre);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleShift<T>(float* x, float mean, float scale, float* weight, float* bias, float* y, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T means = T.Splat(mean), scales = T.Splat(scale);
        int i = 0;
        for (; i <= count - T.Count; i += T.Count)
        {
            T v = (T.Load(x + i) - means) * scales;
            if (weight != null) v *= T.Load(weight + i);
            if (bias != null) v += T.Load(bias + i);
            T.Store(v, y + i);
        }

        for (; i < count; i++)
        {
            float v = (x[i] - mean) * scale;
            if (weight != null) v *= weight[i];
            if (bias != null) v += bias[i];
            y[i] = v;
        }
    }
}
