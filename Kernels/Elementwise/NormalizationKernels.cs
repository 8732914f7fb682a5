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
        float meanSquare = VectorLoop.Sum(new SquaredDistance(x, 0), count) / count;
        VectorLoop.Run(new ScaleShift(x, 0, 1 / MathF.Sqrt(meanSquare + epsilon), weight, null, y), count);
    }

    /// <summary>LayerNorm of <paramref name="count"/> values.</summary>
    public static void LayerNorm(float* x, float* weight, float* bias, float* y, int count, float epsilon)
    {
        float mean = VectorLoop.Sum(new Total(x), count) / count;
        float variance = VectorLoop.Sum(new SquaredDistance(x, mean), count) / count;
        VectorLoop.Run(new ScaleShift(x, mean, 1 / MathF.Sqrt(variance + epsilon), weight, bias, y), count);
    }

    /// <summary>The scalar oracle: LayerNorm, or RMSNorm without its mean and bias, in double precision.</summary>
    /// <param name="x">A row.</param>
    /// <param name="weight">Factors, or nothing.</param>
    /// <param name="bias">Summands, or nothing.</param>
    /// <param name="y">The result.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="centred">True for LayerNorm, false for RMSNorm.</param>
    public static void Scalar(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, Span<float> y, float epsilon, bool centred)
    {
        double mean = 0, square = 0;
        foreach (float value in x) mean += centred ? (double)value / x.Length : 0;
        foreach (float value in x) square += (value - mean) * (value - mean) / x.Length;
        for (int i = 0; i < x.Length; i++)
            y[i] = (float)(((x[i] - mean) / Math.Sqrt(square + epsilon) * (weight.IsEmpty ? 1 : weight[i])) + (bias.IsEmpty ? 0 : bias[i]));
    }

    /// <summary>Σ x.</summary>
    private readonly struct Total(float* x) : IVectorSum
    {
        public static int Chains => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Invoke<T>(nint i, T sum)
            where T : unmanaged, IMathLanes<T> => sum + T.Load(x + i);
    }

    /// <summary>Σ (x − centre)².</summary>
    private readonly struct SquaredDistance(float* x, float centre) : IVectorSum
    {
        public static int Chains => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Invoke<T>(nint i, T sum)
            where T : unmanaged, IMathLanes<T>
        {
            T distance = T.Load(x + i) - T.Splat(centre);
            return T.MultiplyAdd(distance, distance, sum);
        }
    }

    /// <summary>y = (x − mean)·scale ⊙ weight + bias.</summary>
    private readonly struct ScaleShift(float* x, float mean, float scale, float* weight, float* bias, float* y) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            T v = (T.Load(x + i) - T.Splat(mean)) * T.Splat(scale);
            if (weight != null) v *= T.Load(weight + i);
            if (bias != null) v += T.Load(bias + i);
            T.Store(v, y + i);
        }
    }
}
