using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// The 4-bit blocks of 32 in the legacy nibble order (byte j: value j low, value j + 16 high): 4 vectors of 64 bytes, vector c holds
/// quad c in its low nibbles and quad c + 4 in its high ones.
/// </summary>
internal static unsafe class LegacyNibbles
{
    public const int Bytes = 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes v = TBytes.Load(vectors + (64 * (quad & 3)));
        if (quad >= 4) v = TBytes.ShiftRight(v, 4);
        return v & TBytes.Splat(0x0F);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* nibbles, int row, byte* vectors)
    {
        for (int c = 0; c < 4; c++) *(uint*)(vectors + (64 * c) + (4 * row)) = ((uint*)nibbles)[c];
    }
}

/// <summary>Q4_0: unit = 16 half scales, 4 vectors of nibbles. y = d·(q − 8).</summary>
internal readonly unsafe struct PanelQ4_0 : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyNibbles.Quad<TBytes>(unit + 32, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        LegacyNibbles.PackRow(blocks + 2, row, unit + 32);
    }
}

/// <summary>Q4_1: unit = 16 half scales, 16 half minima, 4 vectors of nibbles. y = d·q + m = d·(q − 8) + (8·d + m).</summary>
internal readonly unsafe struct PanelQ4_1 : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => LegacyNibbles.Quad<TBytes>(unit + 64, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(TFloats.LoadFiniteHalf((ushort*)unit), TFloats.Splat(8), TFloats.LoadFiniteHalf((ushort*)(unit + 32)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        ((ushort*)(unit + 32))[row] = *(ushort*)(blocks + 2);
        LegacyNibbles.PackRow(blocks + 4, row, unit + 64);
    }
}
