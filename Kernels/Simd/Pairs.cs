using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Simd;

/// <summary>Twice the floats of <typeparamref name="T"/>: two panels side by side. The JIT takes such a struct apart, so that the code is that of two variables.</summary>
internal readonly unsafe struct FloatPair<T> : IFloatLanes<FloatPair<T>>
    where T : unmanaged, IFloatLanes<T>
{
    private readonly T _low, _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FloatPair(T low, T high) => (_low, _high) = (low, high);

    public static int Count => 2 * T.Count;

    public static RegisterTile Tile => new(4, 1);

    public static FloatPair<T> Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(T.Zero, T.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> Splat(float value)
    {
        T lanes = T.Splat(value);
        return new(lanes, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> Load(float* source) => new(T.Load(source), T.Load(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(FloatPair<T> value, float* target)
    {
        T.Store(value._low, target);
        T.Store(value._high, target + T.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> operator +(FloatPair<T> a, FloatPair<T> b) => new(a._low + b._low, a._high + b._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> operator *(FloatPair<T> a, FloatPair<T> b) => new(a._low * b._low, a._high * b._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> MultiplyAdd(FloatPair<T> a, FloatPair<T> b, FloatPair<T> c) =>
        new(T.MultiplyAdd(a._low, b._low, c._low), T.MultiplyAdd(a._high, b._high, c._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> Max(FloatPair<T> a, FloatPair<T> b) => new(T.Max(a._low, b._low), T.Max(a._high, b._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> Abs(FloatPair<T> value) => new(T.Abs(value._low), T.Abs(value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxElement(FloatPair<T> value) => T.MaxElement(T.Max(value._low, value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> LoadFiniteHalf(ushort* source) => new(T.LoadFiniteHalf(source), T.LoadFiniteHalf(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> LoadBFloat(ushort* source) => new(T.LoadBFloat(source), T.LoadBFloat(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> LoadUInt8(byte* source) => new(T.LoadUInt8(source), T.LoadUInt8(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatPair<T> LoadInt8(sbyte* source) => new(T.LoadInt8(source), T.LoadInt8(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt8(FloatPair<T> value, sbyte* target)
    {
        T.StoreInt8(value._low, target);
        T.StoreInt8(value._high, target + T.Count);
    }
}

/// <summary>Twice the bytes of <typeparamref name="T"/>.</summary>
internal readonly unsafe struct BytePair<T> : IByteLanes<BytePair<T>>
    where T : unmanaged, IByteLanes<T>
{
    public readonly T Low, High;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BytePair(T low, T high) => (Low, High) = (low, high);

    public static int Count => 2 * T.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> Load(byte* source) => new(T.Load(source), T.Load(source + T.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BytePair<T> value, byte* target)
    {
        T.Store(value.Low, target);
        T.Store(value.High, target + T.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> Splat(byte value)
    {
        T lanes = T.Splat(value);
        return new(lanes, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> SplatQuad(sbyte* source)
    {
        T lanes = T.SplatQuad(source);
        return new(lanes, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> operator &(BytePair<T> a, BytePair<T> b) => new(a.Low & b.Low, a.High & b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> operator |(BytePair<T> a, BytePair<T> b) => new(a.Low | b.Low, a.High | b.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> ShiftRight(BytePair<T> a, int count) => new(T.ShiftRight(a.Low, count), T.ShiftRight(a.High, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> ShiftLeft(BytePair<T> a, int count) => new(T.ShiftLeft(a.Low, count), T.ShiftLeft(a.High, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<T> LookUp(byte* table, BytePair<T> indices) => new(T.LookUp(table, indices.Low), T.LookUp(table, indices.High));
}
