using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

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
    public static void PackRow(uint highBits, byte* nibbles, int row, byte* vectors)
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

/// <summary>Q5_0: unit = 16 half scales, fifth bits, nibbles. y = d·(q − 16).</summary>
internal readonly unsafe struct PanelQ5_0 : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyFiveBits.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyFiveBits.Quad<TBytes>(unit + 32, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        LegacyFiveBits.PackRow(*(uint*)(blocks + 2), blocks + 6, row, unit + 32);
    }
}

/// <summary>Q5_1: unit = 16 half scales, 16 half minima, fifth bits, nibbles. y = d·q + m = d·(q − 16) + (16·d + m).</summary>
internal readonly unsafe struct PanelQ5_1 : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyFiveBits.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyFiveBits.Quad<TBytes>(unit + 64, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(TFloats.LoadFiniteHalf((ushort*)unit), TFloats.Splat(16), TFloats.LoadFiniteHalf((ushort*)(unit + 32)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        ((ushort*)(unit + 32))[row] = *(ushort*)(blocks + 2);
        LegacyFiveBits.PackRow(*(uint*)(blocks + 4), blocks + 8, row, unit + 64);
    }
}
