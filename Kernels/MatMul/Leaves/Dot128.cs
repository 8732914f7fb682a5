using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>16 sums of 32 bits in four 128-bit registers.</summary>
internal unsafe struct Dot128<TProduct> : IDotLanes<Dot128<TProduct>, UInt8x16x4, Float32x4x4>
    where TProduct : struct, IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
{
    private Vector128<int> _a, _b, _c, _d;

    public static int ZeroPoint => TProduct.ZeroPoint;

    public static bool PairedSums => false;

    public static RegisterTile Tile => new(TProduct.TileRows, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dot128<TProduct> Start(int compensation)
    {
        var v = Vector128.Create(compensation);
        return new() { _a = v, _b = v, _c = v, _d = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 Prepare(UInt8x16x4 weights)
    {
        weights.A = TProduct.Prepare(weights.A);
        weights.B = TProduct.Prepare(weights.B);
        weights.C = TProduct.Prepare(weights.C);
        weights.D = TProduct.Prepare(weights.D);
        return weights;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x16x4 weights, UInt8x16x4 x) => MultiplyPrepared(ref this, Prepare(weights), x, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyPrepared(ref Dot128<TProduct> sums, UInt8x16x4 weights, UInt8x16x4 x, int quad)
    {
        sums._a = TProduct.MultiplyAdd(sums._a, weights.A, x.A.AsSByte());
        sums._b = TProduct.MultiplyAdd(sums._b, weights.B, x.B.AsSByte());
        sums._c = TProduct.MultiplyAdd(sums._c, weights.C, x.C.AsSByte());
        sums._d = TProduct.MultiplyAdd(sums._d, weights.D, x.D.AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 ToSingle(Dot128<TProduct> sums) => new()
    {
        A = Vector128.ConvertToSingle(sums._a),
        B = Vector128.ConvertToSingle(sums._b),
        C = Vector128.ConvertToSingle(sums._c),
        D = Vector128.ConvertToSingle(sums._d),
    };
}

/// <summary>How a leaf of 128 bits that multiplies signed bytes gets them from the weights, which are unsigned.</summary>
internal interface IWeightRange
{
    /// <summary>What is taken off.</summary>
    static abstract int ZeroPoint { get; }

    /// <summary>The same bits as a signed byte are the weight less <see cref="ZeroPoint"/>.</summary>
    static abstract Vector128<byte> ToSigned(Vector128<byte> weights);
}

/// <summary>Weights of up to 127, which are signed bytes already.</summary>
internal readonly struct SevenBits : IWeightRange
{
    public static int ZeroPoint => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToSigned(Vector128<byte> weights) => weights;
}

/// <summary>Weights of up to 255: 0 … 255 becomes −128 … 127.</summary>
internal readonly struct EightBits : IWeightRange
{
    public static int ZeroPoint => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToSigned(Vector128<byte> weights) => weights ^ Vector128.Create((byte)0x80);
}
