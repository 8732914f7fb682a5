namespace TinyMllm.Kernels.Simd;

/// <summary>A number of bytes that an instruction handles together: quantised weights, packed or unpacked.</summary>
internal unsafe interface IByteLanes<T>
    where T : unmanaged, IByteLanes<T>
{
    /// <summary>Number of bytes.</summary>
    static abstract int Count { get; }

    static abstract T Load(byte* source);

    static abstract void Store(T value, byte* target);

    /// <summary>The same value in every lane.</summary>
    static abstract T Splat(byte value);

    /// <summary>The four bytes at <paramref name="source"/> again and again.</summary>
    static abstract T SplatQuad(sbyte* source);

    static abstract T operator &(T a, T b);

    static abstract T operator |(T a, T b);

    /// <summary>Shifts 16-bit units right; the caller masks what came over from the neighbour byte.</summary>
    static abstract T ShiftRight(T a, int count);

    /// <summary>Shifts 16-bit units left; the caller masks what came over from the neighbour byte.</summary>
    static abstract T ShiftLeft(T a, int count);

    /// <summary>Replaces every byte (0 … 15) by that entry of a table of 16.</summary>
    static abstract T LookUp(byte* table, T indices);
}
