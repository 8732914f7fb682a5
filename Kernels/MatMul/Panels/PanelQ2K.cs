using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Two-bit fields of a 256-value super-block: 16 vectors, half n, segment s (32 values), quad g in bits 2·s of vector 8·n + g.
/// </summary>
internal static unsafe class SuperCrumbs
{
    public const int Bytes = 16 * 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftRight(TBytes.Load(vectors + (64 * ((8 * (part >> 2)) + quad))), 2 * (part & 3)) & TBytes.Splat(3);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* crumbs, int row, byte* vectors)
    {
        for (int c = 0; c < 16; c++) *(uint*)(vectors + (64 * c) + (4 * row)) = ((uint*)crumbs)[c];
    }
}

/// <summary>Q2_K: unit = 16 half d, 16 half dmin, per 16 values 16 scale bytes and 16 minimum bytes, two-bit fields. y = d·s·q − dmin·m.</summary>
internal readonly unsafe struct PanelQ2_K : IPanelFormat
{
    private const int Head = 64 + (16 * 32);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Head + SuperCrumbs.Bytes;

    public static int ZeroPoint => 0;

    public static int Largest => 3;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => SuperCrumbs.Quad<TBytes>(unit + Head, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadUInt8(unit + 64 + (32 * block));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.LoadFiniteHalf((ushort*)(unit + 32)) * TFloats.LoadUInt8(unit + 80 + (32 * block)) * TFloats.Splat(-1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)(blocks + 80);
        ((ushort*)(unit + 32))[row] = *(ushort*)(blocks + 82);
        for (int j = 0; j < 16; j++)
        {
            unit[64 + (32 * j) + row] = (byte)(blocks[j] & 15);
            unit[80 + (32 * j) + row] = (byte)(blocks[j] >> 4);
        }

        SuperCrumbs.PackRow(blocks + 16, row, unit + Head);
    }
}

/// <summary>
/// Q3_K: unit = 16 half d, 16 vectors of 16 signed scale bytes (the file's 6-bit field minus 32), 8 vectors of third bits (vector g, bit j: quad g of 32-value part j),
/// two-bit fields. y = d·scale·(q − 4).
/// </summary>
internal readonly unsafe struct PanelQ3_K : IPanelFormat
{
    private const int High = 32 + (16 * 16);
    private const int Low = High + (8 * 64);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Low + SuperCrumbs.Bytes;

    public static int ZeroPoint => 4;

    public static int Largest => 7;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + High + (64 * quad)), part) & TBytes.Splat(1);
        return SuperCrumbs.Quad<TBytes>(unit + Low, part, quad) | TBytes.ShiftLeft(high, 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + 32 + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)(blocks + 108);
        byte* packed = blocks + 96;
        for (int j = 0; j < 16; j++)
        {
            int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
            int high = (packed[8 + (j % 4)] >> (2 * (j / 4))) & 3;
            ((sbyte*)unit)[32 + (16 * j) + row] = (sbyte)((low | (high << 4)) - 32);
        }

        for (int c = 0; c < 8; c++) *(uint*)(unit + High + (64 * c) + (4 * row)) = ((uint*)blocks)[c];
        SuperCrumbs.PackRow(blocks + 32, row, unit + Low);
    }
}
