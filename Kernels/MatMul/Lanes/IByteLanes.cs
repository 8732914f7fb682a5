namespace TinyMllm.Kernels.MatMul;

/// <summary>64 bytes of a weight panel: 16 rows × 4 consecutive k, in as many registers as the instruction set needs.</summary>
internal unsafe interface IByteLanes<T>
    where T : unmanaged, IByteLanes<T>
{
    static abstract T Load(byte* source);

    static abstract void Store(T value, byte* target);

    static abstract T Splat(byte value);

    static abstract T operator &(T a, T b);

    static abstract T operator |(T a, T b);

    static abstract T operator ^(T a, T b);

    /// <summary>Shifts 16-bit units right; the caller masks what came over from the neighbour byte.</summary>
    static abstract T ShiftRight(T a, int count);

    /// <summary>Shifts 16-bit units left; the caller masks what came over from the neighbour byte.</summary>
    static abstract T ShiftLeft(T a, int count);

    /// <summary>Replaces every byte (0 … 15) by that entry of a table of 16.</summary>
    static abstract T LookUp(byte* table, T indices);
}
