using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Q6_K: unit = 16 half d, 16 vectors of 16 signed scale bytes (one per 16 values), 16 vectors of high bits, 32 vectors of low nibbles.
/// Half n, segment s (32 values), quad g: low nibble or high nibble (s ≥ 2) of vector 16·n + 8·(s &amp; 1) + g, bits 2·s of high vector 8·n + g. y = d·scale·(q − 32).
/// </summary>
internal readonly unsafe struct PanelQ6_K : IPanelFormat
{
    /// <summary>Where scales, high bits and nibbles begin in a unit.</summary>
    public const int Scales = 32, High = Scales + (16 * 16), Low = High + (16 * 64);

    public static int BlockLength => 16;

    public static int UnitLength => 256;

    public static int UnitBytes => Low + (32 * 64);

    public static int ZeroPoint => 32;

    public static int Largest => 63;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        int n = part >> 2, s = part & 3;
        TBytes low = TBytes.ShiftRight(TBytes.Load(unit + Low + (64 * ((16 * n) + (8 * (s & 1)) + quad))), 4 * (s >> 1)) & TBytes.Splat(0x0F);
        TBytes high = TBytes.ShiftRight(TBytes.Load(unit + High + (64 * ((8 * n) + quad))), 2 * s) & TBytes.Splat(3);
        return low | TBytes.ShiftLeft(high, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit) * TFloats.LoadInt8((sbyte*)unit + Scales + (16 * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)(blocks + 208);
        for (int j = 0; j < 16; j++) unit[Scales + (16 * j) + row] = blocks[192 + j];
        for (int c = 0; c < 16; c++) *(uint*)(unit + High + (64 * c) + (4 * row)) = ((uint*)(blocks + 128))[c];
        for (int c = 0; c < 32; c++) *(uint*)(unit + Low + (64 * c) + (4 * row)) = ((uint*)blocks)[c];
    }
}
