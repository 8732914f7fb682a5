using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// The 5-bit blocks of 32: nibbles as <see cref="LegacyNibbles"/>, and one vector of 64 bytes whose bit g is the fifth bit of quad g.
/// </summary>
internal static unsafe class LegacyFiveBits
{
    public const int Bytes = 64 + LegacyNibbles.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes high = TBytes.Load(vectors);
        high = quad <= 4 ? TBytes.ShiftLeft(high, 4 - quad) : TBytes.ShiftRight(high, quad - 4);
        return LegacyNibbles.Quad<TBytes>(vectors + 64, quad) | (high & TBytes.Splat(0x10));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(uint highBits, ReadOnlySpan<byte> nibbles, int row, byte* vectors)
    {
        // Bit j of highBits belongs to value j = 4·g + i: byte i of the row's word collects bits i, i + 4, i + 8, …
        for (int i = 0; i < 4; i++) vectors[(4 * row) + i] = (byte)EveryFourth(highBits >> i);
        LegacyNibbles.PackRow(nibbles, row, vectors + 64);
    }

    private static uint EveryFourth(uint bits)
    {
        // Bits 0, 4, 8, … 28 move together: pairs, then fours, then all eight.
        bits &= 0x11111111;
        bits = (bits | (bits >> 3)) & 0x03030303;
        bits = (bits | (bits >> 6)) & 0x000F000F;
        return (bits | (bits >> 12)) & 0xFF;
    }
}
