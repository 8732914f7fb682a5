using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>NEON: <c>smull</c>, <c>smull2</c>, <c>addp</c>, <c>sadalp</c>. Two products of signed bytes fit 16 bits: 2·128·127 = 32,512.</summary>
internal readonly struct AdvSimdProduct<TRange> : IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
    where TRange : struct, IWeightRange
{
    public static int ZeroPoint => TRange.ZeroPoint;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Prepare(Vector128<byte> weights) => TRange.ToSigned(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        var w = weights.AsSByte();
        var low = AdvSimd.MultiplyWideningLower(w.GetLower(), x.GetLower());
        var high = AdvSimd.MultiplyWideningUpper(w, x);
        return AdvSimd.AddPairwiseWideningAndAdd(sums, AdvSimd.Arm64.AddPairwise(low, high));
    }
}

/// <summary>
/// 16 sums of 32 bits in four registers by Armv8.2's <c>sdot</c>, which multiplies signed bytes: 8-bit weights become signed before. It takes four activations out of a register of 16,
/// so that one load serves four quads.
/// </summary>
/// <remarks>
/// Of NEON's 32 registers a tile of four rows takes 16 for the integer sums, four for x and four for a quad of weights. The float sums of half of the rows lie on the stack while a
/// block runs: 16 loads and stores for 128 <c>sdot</c>. Six rows would leave no register for the weights of the next quad.
/// </remarks>
internal unsafe struct SdotDot128<TRange> : IDotLanes<SdotDot128<TRange>, UInt8x16x4, Float32x4x4>
    where TRange : struct, IWeightRange
{
    private Vector128<int> _a, _b, _c, _d;

    public static int ZeroPoint => TRange.ZeroPoint;

    public static bool PairedSums => false;

    public static RegisterTile Tile => new(4, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SdotDot128<TRange> Start(int compensation)
    {
        var v = Vector128.Create(compensation);
        return new() { _a = v, _b = v, _c = v, _d = v };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(UInt8x16x4 weights, UInt8x16x4 x) => MultiplyPrepared(ref this, Prepare(weights), x, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 Prepare(UInt8x16x4 weights)
    {
        weights.A = TRange.ToSigned(weights.A);
        weights.B = TRange.ToSigned(weights.B);
        weights.C = TRange.ToSigned(weights.C);
        weights.D = TRange.ToSigned(weights.D);
        return weights;
    }

    /// <summary>All 16 activations; only the first register counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt8x16x4 Activations(sbyte* x, int quad) => new() { A = Vector128.Load(x).AsByte() };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyPrepared(ref SdotDot128<TRange> sums, UInt8x16x4 weights, UInt8x16x4 x, int quad)
    {
        var sixteen = x.A.AsSByte();
#pragma warning disable CA1857 // The quad is a constant once this is inlined.
        sums._a = Dp.DotProductBySelectedQuadruplet(sums._a, weights.A.AsSByte(), sixteen, (byte)quad);
        sums._b = Dp.DotProductBySelectedQuadruplet(sums._b, weights.B.AsSByte(), sixteen, (byte)quad);
        sums._c = Dp.DotProductBySelectedQuadruplet(sums._c, weights.C.AsSByte(), sixteen, (byte)quad);
        sums._d = Dp.DotProductBySelectedQuadruplet(sums._d, weights.D.AsSByte(), sixteen, (byte)quad);
#pragma warning restore CA1857
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32x4x4 ToSingle(SdotDot128<TRange> sums) => new()
    {
        A = Vector128.ConvertToSingle(sums._a),
        B = Vector128.ConvertToSingle(sums._b),
        C = Vector128.ConvertToSingle(sums._c),
        D = Vector128.ConvertToSingle(sums._d),
    };
}
