using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Recurrence;

/// <summary>
/// One step of the gated delta rule (arXiv:2412.06464) for one head. The state M maps keys to values; the step forgets by a factor,
/// corrects what M gives for the key towards the value, and reads with the query: M ← γM; e = β·(v − Mᵀk); M ← M + k·eᵀ; o = Mᵀq.
/// </summary>
/// <remarks>
/// M lies key by key ([keys, values]). Column j of M, e[j] and o[j] depend on nothing of other columns, so a vector of columns is
/// finished at once: a first walk down the columns sums Mᵀk, a second one updates M and sums Mᵀq. The strip of M (keys × one vector)
/// stays in the first cache between the two.
/// </remarks>
public static unsafe class DeltaRule
{
    /// <summary>One token.</summary>
    /// <param name="state">[keys, values], row by row; updated.</param>
    /// <param name="q">Query, already scaled.</param>
    /// <param name="k">Key, of length one.</param>
    /// <param name="v">Value.</param>
    /// <param name="decay">γ, 0 … 1.</param>
    /// <param name="beta">β, 0 … 1.</param>
    /// <param name="output">Takes o.</param>
    /// <param name="keys">Length of a key.</param>
    /// <param name="values">Length of a value.</param>
    public static void Step(float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values) =>
        VectorLoop.Run(new Columns(state, q, k, v, decay, beta, output, keys, values), values);

    /// <summary>The scalar oracle.</summary>
    public static void Scalar(float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values)
    {
        for (int j = 0; j < values; j++)
        {
            float known = 0, read = 0;
            for (int i = 0; i < keys; i++) known += k[i] * (state[(i * values) + j] *= decay);
            float error = (v[j] - known) * beta;
            for (int i = 0; i < keys; i++) read += q[i] * (state[(i * values) + j] += k[i] * error);
            output[j] = read;
        }
    }

    private readonly struct Columns(float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            T factor = T.Splat(decay), known = T.Zero, read = T.Zero;
            float* column = state + i;
            for (int j = 0; j < keys; j++, column += values) known = T.MultiplyAdd(T.Splat(k[j]), T.Load(column), known);

            T error = (T.Load(v + i) - (known * factor)) * T.Splat(beta);
            column = state + i;
            for (int j = 0; j < keys; j++, column += values)
            {
                T m = T.MultiplyAdd(T.Splat(k[j]), error, T.Load(column) * factor);
                T.Store(m, column);
                read = T.MultiplyAdd(T.Splat(q[j]), m, read);
            }

            T.Store(read, output + i);
        }
    }
}
