using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Recurrence;

/// <summary>
/// One step of a selective state space for one channel. Mamba (arXiv:2312.00752): s ← s ⊙ exp(Δ·A) + B·(Δ·u), y = s·C + d·u with a vector
/// A per channel; Mamba 2 (arXiv:2405.21060) has one number A per head, so that the decay e^(Δ·A) is one for all states.
/// </summary>
/// <remarks>
/// The N states of a channel (16, or 64 to 256) are contiguous and are the vector dimension; N that is no multiple of the vector ends in
/// plain code.
/// </remarks>
public static unsafe class SelectiveScan
{
    /// <summary>Mamba's step.</summary>
    /// <param name="state">N states, updated.</param>
    /// <param name="a">N negative rates, −exp(A_log).</param>
    /// <param name="b">N input weights of the token.</param>
    /// <param name="c">N output weights of the token.</param>
    /// <param name="delta">Time step of channel and token, positive.</param>
    /// <param name="u">Input of channel and token.</param>
    /// <param name="count">N.</param>
    /// <returns>s·C.</returns>
    public static float Step(float* state, float* a, float* b, float* c, float delta, float u, int count)
    {
        if (Isa.Current.Lanes == 16) return Step<Float16>(state, a, b, c, delta, u, count);
        if (Isa.Current.Lanes == 8) return Step<Float8>(state, a, b, c, delta, u, count);
        return Step<Float4>(state, a, b, c, delta, u, count);
    }

    /// <summary>Mamba 2's step.</summary>
    /// <param name="state">N states, updated.</param>
    /// <param name="b">N input weights of the token.</param>
    /// <param name="c">N output weights of the token.</param>
    /// <param name="decay">e^(Δ·A) of head and token.</param>
    /// <param name="input">Δ·x of channel and token.</param>
    /// <param name="count">N.</param>
    /// <returns>s·C.</returns>
    public static float StepWithDecay(float* state, float* b, float* c, float decay, float input, int count)
    {
        if (Isa.Current.Lanes == 16) return StepWithDecay<Float16>(state, b, c, decay, input, count);
        if (Isa.Current.Lanes == 8) return StepWithDecay<Float8>(state, b, c, decay, input, count);
        return StepWithDecay<Float4>(state, b, c, decay, input, count);
    }

    /// <summary>The plain form of <see cref="Step(float*, float*, float*, float*, float, float, int)"/>.</summary>
    public static float Scalar(Span<float> state, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, float delta, float u)
    {
        float sum = 0;
        for (int n = 0; n < state.Length; n++)
        {
            state[n] = (state[n] * MathF.Exp(delta * a[n])) + (b[n] * delta * u);
            sum += state[n] * c[n];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Step<T>(float* state, float* a, float* b, float* c, float delta, float u, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T step = T.Splat(delta), input = T.Splat(delta * u), sum = T.Zero;
        int n = 0;
        for (; n <= count - T.Count; n += T.Count)
        {
            T s = T.MultiplyAdd(T.Load(b + n), input, T.Load(state + n) * VectorMath.Exp(step * T.Load(a + n)));
            T.Store(s, state + n);
            sum = T.MultiplyAdd(s, T.Load(c + n), sum);
        }

        float y = T.Sum(sum);
        for (; n < count; n++)
        {
            state[n] = (state[n] * MathF.Exp(delta * a[n])) + (b[n] * delta * u);
            y += state[n] * c[n];
        }

        return y;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float StepWithDecay<T>(float* state, float* b, float* c, float decay, float input, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T factor = T.Splat(decay), scale = T.Splat(input), sum = T.Zero;
        int n = 0;
        for (; n <= count - T.Count; n += T.Count)
        {
            T s = T.MultiplyAdd(T.Load(b + n), scale, T.Load(state + n) * factor);
            T.Store(s, state + n);
            sum = T.MultiplyAdd(s, T.Load(c + n), sum);
        }

        float y = T.Sum(sum);
        for (; n < count; n++)
        {
            state[n] = (state[n] * decay) + (b[n] * input);
            y += state[n] * c[n];
        }

        return y;
    }
}
