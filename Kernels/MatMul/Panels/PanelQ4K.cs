using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// The head of a Q4_K or Q5_K unit: 16 half d, 16 half dmin, then for each of the 8 sub-blocks 16 scale bytes and 16 minimum bytes
/// (the file's 6-bit fields, one byte each). Weight = d·s·q − dmin·m.
/// </summary>
internal static unsafe class SuperScales
{
    public const int Bytes = 64 + (8 * 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* head, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)head) * TFloats.LoadUInt8(head + 64 + (32 * block));

    /// <summary>zero·d·s − dmin·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* head, int block, int zero)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.MultiplyAdd(Scale<TFloats>(head, block), TFloats.Splat(zero),
            TFloats.LoadFiniteHalf((ushort*)(head + 32)) * TFloats.LoadUInt8(head + 80 + (32 * block)) * TFloats.Splat(-1));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* block, int row, byte* head)
    {
        ((ushort*)head)[row] = *(ushort*)block;
        ((ushort*)(head + 32))[row] = *(ushort*)(block + 2);
        byte* packed = block + 4;
        for (int j = 0; j < 8; j++)
        {
            int scale = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4);
            int min = j < 4 ? packed[j + 4] & 63 : (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4);
            head[64 + (32 * j) + row] = (byte)scale;
            head[80 + (32 * j) + row] = (byte)min;
        }
    }
}

/// <summary>
/// Nibbles of a 256-value super-block in K order (32 bytes carry sub-block 2i low and 2i + 1 high): 32 vectors, vector 8·i + g holds
/// quad g of both sub-blocks.
/// </summary>
internal static unsafe class SuperNibbles
{
    public const int Bytes = 32 * 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftRight(TBytes.Load(vectors + (64 * (((part >> 1) * 8) + quad))), 4 * (part & 1)) & TBytes.Splat(0x0F);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* nibbles, int row, byte* vectors)
    {
        for (int c = 0; c < 32; c++) *(uint*)(vectors + (64 * c) + (4 * row)) = ((uint*)nibbles)[c];
    }
}

/// <summary>Q4_K: unit = <see cref="SuperScales"/>, <see cref="SuperNibbles"/>; 4.6 bits per weight.</summary>
internal readonly unsafe struct PanelQ4_K : IPanelFormat
{
    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => SuperScales.Bytes + SuperNibbles.Bytes;

    public static int ZeroPoint => 8;

    public static int Largest => 15;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => SuperNibbles.Quad<TBytes>(unit + SuperScales.Bytes, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Scale<TFloats>(unit, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Offset<TFloats>(unit, block, ZeroPoint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        SuperScales.PackRow(blocks, row, unit);
        SuperNibbles.PackRow(blocks + 16, row, unit + SuperScales.Bytes);
    }
}

/// <summary>Q5_K: unit = <see cref="SuperScales"/>, 8 vectors of fifth bits (vector g, bit j: quad g of sub-block j), <see cref="SuperNibbles"/>.</summary>
internal readonly unsafe struct PanelQ5_K : IPanelFormat
{
    private const int HighBytes = 8 * 64;

    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => SuperScales.Bytes + HighBytes + SuperNibbles.Bytes;

    public static int ZeroPoint => 16;

    public static int Largest => 31;

    public static bool HasOffset => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + SuperScales.Bytes + (64 * quad)), part) & TBytes.Splat(1);
        return SuperNibbles.Quad<TBytes>(unit + SuperScales.Bytes + HighBytes, part, quad) | TBytes.ShiftLeft(high, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Scale<TFloats>(unit, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => SuperScales.Offset<TFloats>(unit, block, ZeroPoint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        SuperScales.PackRow(blocks, row, unit);
        for (int c = 0; c < 8; c++) *(uint*)(unit + SuperScales.Bytes + (64 * c) + (4 * row)) = ((uint*)(blocks + 16))[c];
        SuperNibbles.PackRow(blocks + 48, row, unit + SuperScales.Bytes + HighBytes);
    }
}
