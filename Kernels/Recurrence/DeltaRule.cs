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
    public static void Step(float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values)
    {
        if (Isa.Current.Lanes == 16) Step<Float16>(state, q, k, v, decay, beta, output, keys, values);
        else if (Isa.Current.Lanes == 8) Step<Float8>(state, q, k, v, decay, beta, output, keys, values);
        else Step<Float4>(state, q, k, v, decay, beta, output, keys, values);
    }

    /// <summary>The plain form for the columns from <paramref name="first"/> on.</summary>
    public static void Scalar(
        float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values, int first = 0)
    {
        for (int j = first; j < values; j++)
        {
            float known = 0, read = 0;
            for (int i = 0; i < keys; i++) known += k[i] * (state[(i * values) + j] *= decay);
            float error = (v[j] - known) * beta;
            for (int i = 0; i < keys; i++) read += q[i] * (state[(i * values) + j] += k[i] * error);
            output[j] = read;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Step<T>(float* state, float* q, float* k, float* v, float decay, float beta, float* output, int keys, int values)
        where T : unmanaged, IFloatLanes<T>
    {
        T factor = T.Splat(decay);
        int j = 0;
        for (; j <= values - T.Count; j += T.Count)
        {
            float* column = state + j;
            T known = T.Zero;
            for (int i = 0; i < keys; i++, column += values) known = T.MultiplyAdd(T.Splat(k[i]), T.Load(column), known);

            T error = (T.Load(v + j) - (known * factor)) * T.Splat(beta);
            T read = T.Zero;
            column = state + j;
            for (int i = 0; i < keys; i++, column += values)
            {
                T m = T.MultiplyAdd(T.Splat(k[i]), error, T.Load(column) * factor);
                T.Store(m, column);
                read = T.MultiplyAdd(T.Splat(q[i]), m, read);
            }

            T.Store(read, output + j);
        }

        Scalar(state, q, k, v, decay, beta, output, keys, values, j);
    }
}
