namespace TinyMllm.Kernels.Simd;

/// <summary>
/// A number of single-precision values that are handled together. Kernels are written once over <typeparamref name="T"/>; the JIT compiles them for each width and
/// inlines what differs.
/// </summary>
/// <remarks>
/// <code>
/// one register (IMathLanes)              16 floats: a panel's outputs
/// Float32x1     plain C#
/// Float32x4     128 bits                 Float32x4x4     in four of them
/// Float32x8     256 bits                 Float32x8x2     in two of them
/// Float32x16    512 bits                 Float32x16      in one              FloatPair&lt;Float32x16&gt;    32 floats: two panels' outputs
/// </code>
/// All compute the same: a lane of any of them gives the bits that <see cref="Float32x1"/> gives.
/// </remarks>
internal unsafe interface IFloatLanes<T>
    where T : unmanaged, IFloatLanes<T>
{
    /// <summary>Number of floats.</summary>
    static abstract int Count { get; }

    /// <summary>The tile of a float product whose panels' columns are these lanes.</summary>
    static abstract RegisterTile Tile { get; }

    static abstract T Zero { get; }

    /// <summary>The same value in every lane.</summary>
    static abstract T Splat(float value);

    static abstract T Load(float* source);

    static abstract void Store(T value, float* target);

    static abstract T operator +(T a, T b);

    static abstract T operator *(T a, T b);

    /// <summary>a·b + c with one rounding where the hardware has it.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    static abstract T Max(T a, T b);

    static abstract T Abs(T value);

    static abstract float MaxElement(T value);

    /// <summary>Widens finite half-precision values: weights and scales.</summary>
    static abstract T LoadFiniteHalf(ushort* source);

    /// <summary>Widens bfloat16 values.</summary>
    static abstract T LoadBFloat(ushort* source);

    /// <summary>Converts unsigned bytes.</summary>
    static abstract T LoadUInt8(byte* source);

    /// <summary>Converts signed bytes.</summary>
    static abstract T LoadInt8(sbyte* source);

    /// <summary>Rounds values within ±127 to signed bytes, to nearest, ties to even.</summary>
    static abstract void StoreInt8(T value, sbyte* target);
}

/// <summary>The floats of one register, with what functions of single numbers need.</summary>
internal unsafe interface IMathLanes<T> : IFloatLanes<T>
    where T : unmanaged, IMathLanes<T>
{
    static abstract T operator -(T a, T b);

    static abstract T operator /(T a, T b);

    static abstract T Min(T a, T b);

    /// <summary>Nearest integer, ties to even.</summary>
    static abstract T Round(T value);

    /// <summary>value · 2^exponent for an integral exponent in −126 … 127.</summary>
    static abstract T Scale(T value, T exponent);

    /// <summary>The magnitude of <paramref name="magnitude"/> with the sign of <paramref name="sign"/>.</summary>
    static abstract T CopySign(T magnitude, T sign);

    /// <summary>(v0, v1, v2, v3, …) becomes (v1, v0, v3, v2, …). A single lane has no neighbour and stays.</summary>
    static abstract T SwapNeighbours(T value);

    static abstract float Sum(T value);

    /// <summary>Widens half-precision values exactly, infinities and NaN included.</summary>
    static abstract T LoadHalf(ushort* source);

    /// <summary>Rounds to half precision, to nearest, ties to even.</summary>
    static abstract void StoreHalf(T value, ushort* target);
}
