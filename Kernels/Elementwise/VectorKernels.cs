using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>y += s·x, y = x ⊙ w and the like over rows of floats.</summary>
public static unsafe class VectorKernels
{
    /// <summary>y[i] += scale · x[i].</summary>
    public static void AddScaled(float* x, float scale, float* y, int count)
    {
        if (Isa.Current.Lanes == 16) AddScaled<Float16>(x, scale, y, count);
        else if (Isa.Current.Lanes == 8) AddScaled<Float8>(x, scale, y, count);
        else AddScaled<Float4>(x, scale, y, count);
    }

    /// <summary>y[i] = x[i] · w[i]; y may be either.</summary>
    public static void Multiply(float* x, float* w, float* y, int count)
    {
        if (Isa.Current.Lanes == 16) Multiply<Float16>(x, w, y, count);
        else if (Isa.Current.Lanes == 8) Multiply<Float8>(x, w, y, count);
        else Multiply<Float4>(x, w, y, count);
    }

    /// <summary>y[i] = x[i] · scale; y may be x.</summary>
    public static void Scale(float* x, float scale, float* y, int count)
    {
        if (Isa.Current.Lanes == 16) Scale<Float16>(x, scale, y, count);
        else if (Isa.Current.Lanes == 8) Scale<Float8>(x, scale, y, count);
        else Scale<Float4>(x, scale, y, count);
    }

    /// <summary>Σ x[i] · y[i].</summary>
    public static float Dot(float* x, float* y, int count)
    {
        if (Isa.Current.Lanes == 16) return Dot<Float16>(x, y, count);
        if (Isa.Current.Lanes == 8) return Dot<Float8>(x, y, count);
        return Dot<Float4>(x, y, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddScaled<T>(float* x, float scale, float* y, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T s = T.Splat(scale);
        int i = 0;
        for (; i <= count - T.Count; i += T.Count) T.Store(T.MultiplyAdd(s, T.Load(x + i), T.Load(y + i)), y + i);
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(scale, x[i], y[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<T>(float* x, float* w, float* y, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        int i = 0;
        for (; i <= count - T.Count; i += T.Count) T.Store(T.Load(x + i) * T.Load(w + i), y + i);
        for (; i < count; i++) y[i] = x[i] * w[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<T>(float* x, float scale, float* y, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T s = T.Splat(scale);
        int i = 0;
        for (; i <= count - T.Count; i += T.Count) T.Store(T.Load(x + i) * s, y + i);
        for (; i < count; i++) y[i] = x[i] * scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot<T>(float* x, float* y, int count)
        where T : unmanaged, IFloatLanes<T>
    {
        T even = T.Zero, odd = T.Zero;
        int i = 0;
        for (; i <= count - (2 * T.Count); i += 2 * T.Count)
        {
            even = T.MultiplyAdd(T.Load(x + i), T.Load(y + i), even);
            odd = T.MultiplyAdd(T.Load(x + i + T.Count), T.Load(y + i + T.Count), odd);
        }

        for (; i <= count - T.Count; i += T.Count) even = T.MultiplyAdd(T.Load(x + i), T.Load(y + i), even);
        float sum = T.Sum(even + odd);
        for (; i < count; i++) sum += x[i] * y[i];
        return sum;
    }
}
