using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Q8_0: unit = 16 half scales, 8 vectors of 64 bytes (value + 128, VNNI's unsigned side). 34 bytes per row and 32 values, as in the file.</summary>
internal readonly unsafe struct PanelQ8_0 : IPanelFormat
{
    private const int ScaleBytes = 32;

    public static int BlockLength => 32;

    public static int UnitLength => 32;

    public static int UnitBytes => ScaleBytes + 512;

    public static int Zero => 128;

    public static int Largest => 255;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Group<TBytes>(byte* unit, int part, int group)
        where TBytes : unmanaged, IByteLanes<TBytes> => TBytes.Load(unit + ScaleBytes + (64 * group));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRows Scale<TRows>(byte* unit, int block)
        where TRows : unmanaged, IRowLanes<TRows> => TRows.LoadHalf((ushort*)unit);

    public static TRows Offset<TRows>(byte* unit, int block)
        where TRows : unmanaged, IRowLanes<TRows> => TRows.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(byte* blocks, int row, byte* unit)
    {
        ((ushort*)unit)[row] = *(ushort*)blocks;
        uint* values = (uint*)(blocks + 2);
        for (int g = 0; g < 8; g++) *(uint*)(unit + ScaleBytes + (64 * g) + (4 * row)) = values[g] ^ 0x80808080;
    }
}
