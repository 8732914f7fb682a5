using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Recurrence;

/// <summary>
/// Depthwise causal convolution along time: y[t, c] = b[c] + Σ_j w[j, c]·x[t − K + 1 + j, c], j = 0 … K − 1 (Mamba, LFM2, Qwen3.5; K is 3
/// or 4).
/// </summary>
/// <remarks>
/// One output row is a weighted sum of K input rows, vectorised over channels; rows before the present chunk come from the layer's state.
/// The weights lie tap by tap ([K, channels]), transposed from the file's order at load.
/// </remarks>
public static unsafe class CausalConvolution
{
    /// <summary>Computes one output row.</summary>
    /// <param name="inputs">K pointers to input rows, oldest first.</param>
    /// <param name="weights">[K, channels].</param>
    /// <param name="bias">[channels], or null.</param>
    /// <param name="y">The output row; not one of the inputs.</param>
    /// <param name="taps">K.</param>
    /// <param name="channels">Channels.</param>
    public static void Row(float** inputs, float* weights, float* bias, float* y, int taps, int channels) =>
        VectorLoop.Run(new Body(inputs, weights, bias, y, taps, channels), channels);

    /// <summary>The plain form, for one channel.</summary>
    public static float Scalar(ReadOnlySpan<float> inputs, ReadOnlySpan<float> weights, float bias)
    {
        for (int j = 0; j < weights.Length; j++) bias += weights[j] * inputs[j];
        return bias;
    }

    private readonly struct Body(float** inputs, float* weights, float* bias, float* y, int taps, int channels) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            T sum = bias == null ? T.Zero : T.Load(bias + i);
            for (int j = 0; j < taps; j++) sum = T.MultiplyAdd(T.Load(weights + ((long)j * channels) + i), T.Load(inputs[j] + i), sum);
            T.Store(sum, y + i);
        }
    }
}
