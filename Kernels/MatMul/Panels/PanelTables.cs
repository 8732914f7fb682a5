using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>The tables that 4-bit indices point into, made unsigned by adding the formats' Zero.</summary>
internal static unsafe class NibbleTables
{
    /// <summary>IQ4_NL's values −127 … 113, plus 127.</summary>
    public static byte* NonLinear
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Address([0, 23, 44, 62, 78, 92, 105, 117, 128, 140, 152, 165, 180, 196, 216, 240]);
    }

    /// <summary>Twice the E2M1 values 0, ½, 1, 1½, 2, 3, 4, 6 and their negatives, plus 12.</summary>
    public static byte* E2M1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Address([12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0]);
    }

    /// <summary>The compiler puts such constants into the image, where nothing moves; unlike a static field they cost no initialisation check.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Address(ReadOnlySpan<byte> table) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(table));
}

/// <summary>IQ4_NL: unit = 16 half scales, nibbles. y = d·(table[i] + 127 − 127).</summary>
internal readonly unsafe struct PanelIQ4_NL : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 32 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 127;

    public static int Largest => 240;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.LookUp(NibbleTables.NonLinear, LegacyNibbles.Quad<TBytes>(unit + 32, quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit) => PanelQ4_0.PackRow(blocks, row, unit);
}

/// <summary>
/// IQ4_XS: unit = 16 half d, 8 vectors of 16 signed scale bytes (the file's 6-bit field minus 32), 8 times <see cref="LegacyNibbles"/>.
/// </summary>
internal readonly unsafe struct PanelIQ4_XS : IPanelFormat
{
    private const int Nibbles = 32 + (8 * 16);

    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => Nibbles + (8 * LegacyNibbles.Bytes);

    public static int ZeroPoint => 127;

    public static int Largest => 240;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.LookUp(NibbleTables.NonLinear, LegacyNibbles.Quad<TBytes>(unit + Nibbles + (part * LegacyNibbles.Bytes), quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + 32 + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        int high = *(ushort*)(blocks + 2);
        for (int j = 0; j < 8; j++)
        {
            int scale = ((blocks[4 + (j / 2)] >> (4 * (j % 2))) & 15) | (((high >> (2 * j)) & 3) << 4);
            ((sbyte*)unit)[32 + (16 * j) + row] = (sbyte)(scale - 32);
            LegacyNibbles.PackRow(blocks + 8 + (16 * j), row, unit + Nibbles + (j * LegacyNibbles.Bytes));
        }
    }
}

/// <summary>MXFP4: unit = 16 float scales (half the E8M0 power of two), nibbles. y = scale·(table[i] + 12 − 12).</summary>
internal readonly unsafe struct PanelMXFP4 : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => 64 + LegacyNibbles.Bytes;

    public static int ZeroPoint => 12;

    public static int Largest => 24;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.LookUp(NibbleTables.E2M1, LegacyNibbles.Quad<TBytes>(unit + 64, quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Load((float*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        int e = blocks[0];
        uint bits = e >= 2 ? (uint)(e - 1) << 23 : 0x00200000u << e;
        ((float*)unit)[row] = BitConverter.UInt32BitsToSingle(bits);
        LegacyNibbles.PackRow(blocks + 1, row, unit + 64);
    }
}
