using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>x = c·tanh(x/c): keeps scores and logits within ±c (Gemma 2, arXiv:2408.00118).</summary>
public static unsafe class SoftCap
{
    /// <summary>Caps <paramref name="count"/> values in place. tanh y = 2σ(2y) − 1, so the error is below c·3·10⁻⁷.</summary>
    public static void Apply(float* x, float cap, int count) => VectorLoop.Run(new Body(x, cap, 2 / cap), count);

    /// <summary>The scalar oracle.</summary>
    public static double Scalar(double x, double cap) => cap * Math.Tanh(x / cap);

    private readonly struct Body(float* x, float cap, float scale) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> =>
            T.Store(T.MultiplyAdd(T.Splat(2 * cap), VectorMath.Sigmoid(T.Load(x + i) * T.Splat(scale)), T.Splat(-cap)), x + i);
    }
}
