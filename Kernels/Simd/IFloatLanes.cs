using System.Numerics;

namespace TinyMllm.Kernels.Simd;

/// <summary>
/// The handful of operations in which instruction sets differ for single-precision loops. A kernel is written once over
/// <typeparamref name="T"/>; the JIT specialises it for each struct and inlines the leaves.
/// </summary>
internal unsafe interface IFloatLanes<T>
    where T : unmanaged, IFloatLanes<T>
{
    /// <summary>Floats per vector.</summary>
    static abstract int Count { get; }

    static abstract T Zero { get; }

    static abstract T Splat(float value);

    static abstract T Load(float* source);

    static abstract void Store(T value, float* target);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T operator /(T a, T b);

    /// <summary>a·b + c with one rounding where the hardware has it.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    static abstract T Max(T a, T b);

    static abstract T Min(T a, T b);

    /// <summary>Nearest integer, ties to even.</summary>
    static abstract T Round(T value);

    /// <summary>value · 2^exponent for an integral exponent in −126 … 127.</summary>
    static abstract T Scale(T value, T exponent);

    static abstract T Abs(T value);

    /// <summary>The magnitude of <paramref name="magnitude"/> with the sign of <paramref name="sign"/>.</summary>
    static abstract T CopySign(T magnitude, T sign);

    static abstract float Sum(T value);

    static abstract float MaxElement(T value);
}
