using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Q8_0: unit = 16 half scales, 8 vectors of 64 bytes (value + 128, VNNI's unsigned side). 34 bytes per row and 32 values, as in the file.</summary>
internal readonly unsafe struct PanelQ8_0 : IPanelFormat
{
    private const int ScaleBytes = 32;

    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => ScaleBytes + 512;

    public static int ZeroPoint => 128;

    public static int Largest => 255;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Load(unit + ScaleBytes + (64 * quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.LoadFiniteHalf((ushort*)unit);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        uint* values = (uint*)(blocks + 2);
        for (int g = 0; g < 8; g++) *(uint*)(unit + ScaleBytes + (64 * g) + (4 * row)) = values[g] ^ 0x80808080;
    }
}
