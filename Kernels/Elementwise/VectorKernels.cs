using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>y += s·x, y = x ⊙ w and the like over rows of floats. Their scalar oracles are their summaries.</summary>
public static unsafe class VectorKernels
{
    /// <summary>y[i] += scale · x[i].</summary>
    public static void AddScaled(float* x, float scale, float* y, int count) => VectorLoop.Run(new AddScaledBody(x, scale, y), count);

    /// <summary>y[i] = x[i] · w[i]; y may be either.</summary>
    public static void Multiply(float* x, float* w, float* y, int count) => VectorLoop.Run(new MultiplyBody(x, w, y), count);

    /// <summary>y[i] = x[i] · scale; y may be x.</summary>
    public static void Scale(float* x, float scale, float* y, int count) => VectorLoop.Run(new ScaleBody(x, scale, y), count);

    /// <summary>Σ x[i] · y[i].</summary>
    public static float Dot(float* x, float* y, int count) => VectorLoop.Sum(new DotBody(x, y), count);

    private readonly struct AddScaledBody(float* x, float scale, float* y) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.MultiplyAdd(T.Splat(scale), T.Load(x + i), T.Load(y + i)), y + i);
    }

    private readonly struct MultiplyBody(float* x, float* w, float* y) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.Load(x + i) * T.Load(w + i), y + i);
    }

    private readonly struct ScaleBody(float* x, float scale, float* y) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.Load(x + i) * T.Splat(scale), y + i);
    }

    private readonly struct DotBody(float* x, float* y) : IVectorSum
    {
        public static int Chains => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Invoke<T>(nint i, T sum)
            where T : unmanaged, IMathLanes<T> => T.MultiplyAdd(T.Load(x + i), T.Load(y + i), sum);
    }
}
