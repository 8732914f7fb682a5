using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>One activation as an operator that a loop is specialised for.</summary>
internal interface IActivation
{
    static abstract T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T>;
}

internal readonly struct Identity : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => x;
}

internal readonly struct GeluTanh : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T>
    {
        // ½(1 + tanh u) = σ(2u): one exponential and one division.
        T u = x * T.MultiplyAdd(x * x, T.Splat(2 * 0.7978845608f * 0.044715f), T.Splat(2 * 0.7978845608f));
        return x * VectorMath.Sigmoid(u);
    }
}

internal readonly struct GeluErf : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> =>
        x * T.MultiplyAdd(VectorMath.Erf(x * T.Splat(0.70710678f)), T.Splat(0.5f), T.Splat(0.5f));
}

internal readonly struct GeluQuick : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => x * VectorMath.Sigmoid(x * T.Splat(1.702f));
}

internal readonly struct Silu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => x * VectorMath.Sigmoid(x);
}

internal readonly struct Relu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => T.Max(x, T.Zero);
}

internal readonly struct ReluSquared : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T>
    {
        x = T.Max(x, T.Zero);
        return x * x;
    }
}

internal readonly struct HardSwish : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => x * HardSigmoid.Apply(x);
}

internal readonly struct HardSigmoid : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> =>
        T.Min(T.Max((x + T.Splat(3f)) / T.Splat(6f), T.Zero), T.Splat(1f));
}

internal readonly struct LogisticSigmoid : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => VectorMath.Sigmoid(x);
}

internal readonly struct Softplus : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, IMathLanes<T> => T.Max(x, T.Zero) + VectorMath.Log1pOfUnit(VectorMath.Exp(T.Zero - T.Abs(x)));
}
