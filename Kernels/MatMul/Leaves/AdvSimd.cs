using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace TinyMllm.Kernels.MatMul;

/// <summary>NEON: <c>smull</c>, <c>smull2</c>, <c>addp</c>, <c>sadalp</c>. Two products of signed bytes fit 16 bits: 2·128·127 = 32,512.</summary>
internal readonly struct AdvSimdProduct<TRange> : IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
    where TRange : struct, IWeightRange
{
    public static int ZeroPoint => TRange.ZeroPoint;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        var w = TRange.Signed(weights);
        var low = AdvSimd.MultiplyWideningLower(w.GetLower(), x.GetLower());
        var high = AdvSimd.MultiplyWideningUpper(w, x);
        return AdvSimd.AddPairwiseWideningAndAdd(sums, AdvSimd.Arm64.AddPairwise(low, high));
    }
}

/// <summary>Armv8.2's <c>sdot</c>.</summary>
internal readonly struct SdotProduct<TRange> : IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
    where TRange : struct, IWeightRange
{
    public static int ZeroPoint => TRange.ZeroPoint;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x) => Dp.DotProduct(sums, TRange.Signed(weights), x);
}
