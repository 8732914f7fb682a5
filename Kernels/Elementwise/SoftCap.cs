using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>x = c·tanh(x/c): keeps scores and logits within ±c (Gemma 2, arXiv:2408.00118).</summary>
public static unsafe class SoftCap
{
    /// <summary>Caps <paramref name="count"/> values in place. tanh y = 2σ(2y) − 1, so the error is below c·3·10⁻⁷.</summary>
    public static void Apply(float* x, float cap, int count)
    {
        if (Isa.Current.Lanes == 16) Apply<Float16>(x, cap, count);
        else if (Isa.Current.Lanes == 8) Apply<Float8>(x, cap, count);
        else Apply<Float4>(x, cap, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<T>(float* x, float cap, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T scale = T.Splat(2 / cap), doubled = T.Splat(2 * cap), minus = T.Splat(-cap);
        int i = 0;
        for (; i <= count - T.Count; i += T.Count) T.Store(T.MultiplyAdd(doubled, VectorMath.Sigmoid(T.Load(x + i) * scale), minus), x + i);
        for (; i < count; i++) x[i] = cap * MathF.Tanh(x[i] / cap);
    }
}
