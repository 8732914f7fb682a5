using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// <c>pmaddubsw</c> multiplies unsigned by signed bytes and adds neighbours to 16 bits. That saturates at 255·127·2, so of 8-bit weights it gets the magnitude, and x their sign.
/// </summary>
internal readonly struct Ssse3Product<TRange> : IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>>
    where TRange : struct, IWeightRange
{
    public static int ZeroPoint => TRange.ZeroPoint;

    /// <summary>Of 16 registers the sums of two rows take eight; 8-bit weights need more of the others.</summary>
    public static int TileRows => TRange.ZeroPoint == 0 ? 2 : 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Prepare(Vector128<byte> weights) => TRange.ToSigned(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<byte> weights, Vector128<sbyte> x)
    {
        var signed = weights.AsSByte();
        var pairs = TRange.ZeroPoint == 0 ? Ssse3.MultiplyAddAdjacent(weights, x) : Ssse3.MultiplyAddAdjacent(Ssse3.Abs(signed), Ssse3.Sign(x, signed));
        return sums + Sse2.MultiplyAddAdjacent(pairs, Vector128<short>.One);
    }
}
