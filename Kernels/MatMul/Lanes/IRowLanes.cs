namespace TinyMllm.Kernels.MatMul;

/// <summary>One float for each of the 16 rows of a weight panel.</summary>
internal unsafe interface IRowLanes<T>
    where T : unmanaged, IRowLanes<T>
{
    /// <summary>Panels of 16 columns in a tile of float products: 2 where there are registers for 8 rows × 2 panels, else 1 (4 rows).</summary>
    static abstract int TilePanels { get; }

    static abstract T Zero { get; }

    static abstract T Load(float* source);

    static abstract void Store(T value, float* target);

    static abstract T Splat(float value);

    static abstract T operator +(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>Widens 16 half-precision values.</summary>
    static abstract T LoadHalf(ushort* source);

    /// <summary>Widens 16 bfloat16 values.</summary>
    static abstract T LoadBFloat(ushort* source);

    /// <summary>Widens 16 unsigned bytes.</summary>
    static abstract T LoadUInt8(byte* source);

    /// <summary>Widens 16 signed bytes.</summary>
    static abstract T LoadInt8(sbyte* source);
}
