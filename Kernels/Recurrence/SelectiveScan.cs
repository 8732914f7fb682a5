using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Recurrence;

/// <summary>
/// One step of a selective state space for one channel. Mamba (arXiv:2312.00752): s ← s ⊙ exp(Δ·A) + B·(Δ·u), y = s·C + d·u with a vector
/// A per channel; Mamba 2 (arXiv:2405.21060) has one number A per head, so that the decay e^(Δ·A) is one for all states.
/// </summary>
/// <remarks>
/// The N states of a channel (16, or 64 to 256) are contiguous and are the vector dimension.
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
    public static float Step(float* state, float* a, float* b, float* c, float delta, float u, int count) =>
        VectorLoop.Sum(new DecayPerState(state, a, b, c, delta, delta * u), count);

    /// <summary>Mamba 2's step.</summary>
    /// <param name="state">N states, updated.</param>
    /// <param name="b">N input weights of the token.</param>
    /// <param name="c">N output weights of the token.</param>
    /// <param name="decay">e^(Δ·A) of head and token.</param>
    /// <param name="input">Δ·x of channel and token.</param>
    /// <param name="count">N.</param>
    /// <returns>s·C.</returns>
    public static float StepWithDecay(float* state, float* b, float* c, float decay, float input, int count) =>
        VectorLoop.Sum(new OneDecay(state, b, c, decay, input), count);

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

    private readonly struct DecayPerState(float* state, float* a, float* b, float* c, float delta, float input) : IVectorSum
    {
        public static int Chains => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Invoke<T>(nint i, T sum)
            where T : unmanaged, IMathLanes<T>
        {
            T s = T.MultiplyAdd(T.Load(b + i), T.Splat(input), T.Load(state + i) * VectorMath.Exp(T.Splat(delta) * T.Load(a + i)));
            T.Store(s, state + i);
            return T.MultiplyAdd(s, T.Load(c + i), sum);
        }
    }

    private readonly struct OneDecay(float* state, float* b, float* c, float decay, float input) : IVectorSum
    {
        public static int Chains => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Invoke<T>(nint i, T sum)
            where T : unmanaged, IMathLanes<T>
        {
            T s = T.MultiplyAdd(T.Load(b + i), T.Splat(input), T.Load(state + i) * T.Splat(decay));
            T.Store(s, state + i);
            return T.MultiplyAdd(s, T.Load(c + i), sum);
        }
    }
}
