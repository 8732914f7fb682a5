using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Plain C#: even and odd bytes as 16-bit integers.</summary>
internal readonly struct PortableProduct<TRange> : IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
    where TRange : struct, IWeightRange
{
    public static int ZeroPoint => TRange.ZeroPoint;

    /// <summary>Of 16 registers the sums of two rows take eight.</summary>
    public static int TileRows => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Prepare(Vector128<byte> weights) => TRange.ToSigned(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        // A product fits 16 bits (128·127), the sum of two needs 17, so it is widened first.
        var w = weights.AsInt16();
        return sums + SumNeighbours(((w << 8) >> 8) * ((x.AsInt16() << 8) >> 8)) + SumNeighbours((w >> 8) * (x.AsInt16() >> 8));
    }

    /// <summary>Adds neighbouring 16-bit integers to 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> SumNeighbours(Vector128<short> v) => ((v.AsInt32() << 16) >> 16) + (v.AsInt32() >> 16);
}
