using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Simd;

/// <summary>The body of a loop over rows of numbers, for any number of lanes.</summary>
/// <remarks>A body is a small struct that holds the rows' addresses. One form serves the vectors and, with <see cref="Float32x1"/>, what remains at the end.</remarks>
internal interface IVectorBody
{
    /// <summary>Handles the elements <paramref name="i"/> … <paramref name="i"/> + T.Count − 1.</summary>
    void Invoke<T>(nint i)
        where T : unmanaged, IMathLanes<T>;
}

/// <summary>The body of a loop that adds up.</summary>
internal interface IVectorSum
{
    /// <summary>Sums that run side by side, 1 or 2: two hide the latency of an addition where nothing else does.</summary>
    static abstract int Chains { get; }

    /// <summary>Adds what the elements <paramref name="i"/> … <paramref name="i"/> + T.Count − 1 give to <paramref name="sum"/>.</summary>
    T Invoke<T>(nint i, T sum)
        where T : unmanaged, IMathLanes<T>;
}

/// <summary>
/// The one loop under all kernels that go along rows of numbers: it takes the lanes of the present instruction set, and one lane for what remains. Loads and stores need no alignment;
/// rows of the engine's scratch begin on 64 bytes anyway.
/// </summary>
internal static class VectorLoop
{
    /// <summary>Runs <paramref name="body"/> over elements 0 … <paramref name="count"/> − 1.</summary>
    public static void Run<TBody>(TBody body, int count)
        where TBody : struct, IVectorBody
    {
        switch (Isa.Current.Lanes)
        {
            case 16 when InstructionSets.HasAvx512: Run<TBody, Float32x16>(body, count); break;
            case 8 when InstructionSets.HasAvx2: Run<TBody, Float32x8>(body, count); break;
            default: Run<TBody, Float32x4>(body, count); break;
        }
    }

    /// <summary>The sum that <paramref name="body"/> makes over elements 0 … <paramref name="count"/> − 1.</summary>
    public static float Sum<TBody>(TBody body, int count)
        where TBody : struct, IVectorSum => Isa.Current.Lanes switch
        {
            16 when InstructionSets.HasAvx512 => Sum<TBody, Float32x16>(body, count),
            8 when InstructionSets.HasAvx2 => Sum<TBody, Float32x8>(body, count),
            _ => Sum<TBody, Float32x4>(body, count),
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TBody, T>(TBody body, int count)
        where TBody : struct, IVectorBody
        where T : unmanaged, IMathLanes<T>
    {
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count) body.Invoke<T>(i);
        for (; i < count; i++) body.Invoke<Float32x1>(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum<TBody, T>(TBody body, int count)
        where TBody : struct, IVectorSum
        where T : unmanaged, IMathLanes<T>
    {
        T even = T.Zero, odd = T.Zero;
        nint i = 0;
        if (TBody.Chains == 2)
        {
            for (; i <= count - (2 * T.Count); i += 2 * T.Count)
            {
                even = body.Invoke(i, even);
                odd = body.Invoke(i + T.Count, odd);
            }
        }

        for (; i <= count - T.Count; i += T.Count) even = body.Invoke(i, even);
        var rest = Float32x1.Splat(T.Sum(even + odd));
        for (; i < count; i++) rest = body.Invoke(i, rest);
        return Float32x1.Sum(rest);
    }
}
