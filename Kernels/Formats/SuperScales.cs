using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// The head of a Q4_K or Q5_K unit: 16 half d, 16 half dmin, then for each of the 8 sub-blocks 16 scale bytes and 16 minimum bytes
/// (the file's 6-bit fields, one byte each). Weight = d·s·q − dmin·m.
/// </summary>
internal static unsafe class SuperScales
{
    public const int Bytes = 64 + (8 * 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* head, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)head) * TFloats.LoadUInt8(head + 64 + (32 * block));

    /// <summary>zero·d·s − dmin·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* head, int block, int zero)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(Scale<TFloats>(head, block), TFloats.Splat(zero),
            TFloats.LoadFiniteHalf((ushort*)(head + 32)) * TFloats.LoadUInt8(head + 80 + (32 * block)) * TFloats.Splat(-1));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(Half scale, Half minimum, ReadOnlySpan<byte> packed, int row, byte* head)
    {
        ((Half*)head)[row] = scale;
        ((Half*)(head + 32))[row] = minimum;
        for (int j = 0; j < 8; j++)
        {
            var (s, m) = ScalesAndMinima.Unpack(packed, j);
            head[64 + (32 * j) + row] = (byte)s;
            head[80 + (32 * j) + row] = (byte)m;
        }
    }
}
