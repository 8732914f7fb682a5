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
    public static void Row(float** inputs, float* weights, float* bias, float* y, int taps, int channels)
    {
        if (Isa.Current.Lanes == 16) Row<Float16>(inputs, weights, bias, y, taps, channels);
        else if (Isa.Current.Lanes == 8) Row<Float8>(inputs, weights, bias, y, taps, channels);
        else Row<Float4>(inputs, weights, bias, y, taps, channels);
    }

    /// <summary>The plain form, for one channel.</summary>
    public static float Scalar(ReadOnlySpan<float> inputs, ReadOnlySpan<float> weights, float bias)
    {
        for (int j = 0; j < weights.Length; j++) bias += weights[j] * inputs[j];
        return bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<T>(float** inputs, float* weights, float* bias, float* y, int taps, int channels)
        where T : unmanaged, IFloatLanes<T>
    {
        int c = 0;
        for (; c <= channels - T.Count; c += T.Count)
        {
            T sum = bias == null ? T.Zero : T.Load(bias + c);
            for (int j = 0; j < taps; j++) sum = T.MultiplyAdd(T.Load(weights + ((long)j * channels) + c), T.Load(inputs[j] + c), sum);
            T.Store(sum, y + c);
        }

        for (; c < channels; c++)
        {
            float sum = bias == null ? 0 : bias[c];
            for (int j = 0; j < taps; j++) sum += weights[((long)j * channels) + c] * inputs[j][c];
            y[c] = sum;
        }
    }
}
