using System.Runtime.CompilerServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// A block of 256 weights that lie on a <see cref="Grid"/>. Whatever the format, a weight is one of up to 16 levels times a scale: x =
/// d·Step·m·(Table[code] − ZeroPoint), m a small integer per 16 or 32 weights. So all of them decode and multiply alike.
/// </summary>
/// <typeparam name="TBlock">The block itself.</typeparam>
internal unsafe interface IGridBlock<TBlock> : IQuantizedBlock<TBlock>
    where TBlock : unmanaged, IGridBlock<TBlock>
{
    /// <summary>Weights that share a multiplier: 16 or 32.</summary>
    static abstract int ScaleLength { get; }

    /// <summary>What the multipliers count, a power of two.</summary>
    static abstract float Step { get; }

    /// <summary>The 16 levels, made unsigned by adding <see cref="ZeroPoint"/>.</summary>
    static abstract byte* Table { get; }

    /// <summary>What stands for zero in <see cref="Table"/>.</summary>
    static abstract int ZeroPoint { get; }

    /// <summary>The largest number of <see cref="Table"/>.</summary>
    static abstract int Largest { get; }

    /// <summary>d.</summary>
    Half Factor { get; }

    /// <summary>Takes the block apart.</summary>
    /// <param name="codes">Receives 256 indices into <see cref="Table"/>.</param>
    /// <param name="multipliers">Receives m for each <see cref="ScaleLength"/> weights, 1 … 31.</param>
    void Unpack(Span<byte> codes, Span<byte> multipliers);
}

/// <summary>Decoding that the grid formats share. All products are exact, so their order does not matter.</summary>
internal static unsafe class GridBlocks
{
    public static void Decode<TBlock>(in TBlock block, Span<float> values)
        where TBlock : unmanaged, IGridBlock<TBlock>
    {
        Span<byte> codes = stackalloc byte[256], multipliers = stackalloc byte[256 / TBlock.ScaleLength];
        block.Unpack(codes, multipliers);
        float d = (float)block.Factor * TBlock.Step;
        for (int i = 0; i < 256; i++) values[i] = d * multipliers[i / TBlock.ScaleLength] * (TBlock.Table[codes[i]] - TBlock.ZeroPoint);
    }
}

/// <summary>
/// Any grid format in a panel: the points are looked up when weights are packed, and a weight takes four bits. Unit = 8 times
/// <see cref="LegacyNibbles"/> of codes, 16 floats d·Step, per multiplier 16 bytes. y = d·Step·m·(table[code] − zero).
/// </summary>
internal readonly unsafe struct PanelGrid<TBlock> : IPanelFormat<TBlock>
    where TBlock : unmanaged, IGridBlock<TBlock>
{
    /// <summary>Where scales and multipliers begin in a unit. What differs in length comes last, so that these are constants.</summary>
    private const int Scales = 8 * LegacyNibbles.Bytes, Multipliers = Scales + (Panel.Outputs * sizeof(float));

    public static int BlockLength => TBlock.ScaleLength;

    public static int UnitLength => 256;

    public static int UnitBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Multipliers + (Panel.Outputs * (256 / TBlock.ScaleLength));
    }

    public static int ZeroPoint => TBlock.ZeroPoint;

    public static int Largest => TBlock.Largest;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.LookUp(TBlock.Table, LegacyNibbles.Quad<TBytes>(unit + (part * LegacyNibbles.Bytes), quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        TFloats.Load((float*)(unit + Scales)) * TFloats.LoadUInt8(unit + Multipliers + (Panel.Outputs * block));

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(TBlock* block, int row, byte* unit)
    {
        Span<byte> codes = stackalloc byte[256], multipliers = stackalloc byte[256 / TBlock.ScaleLength], nibbles = stackalloc byte[16];
        block->Unpack(codes, multipliers);
        ((float*)(unit + Scales))[row] = (float)block->Factor * TBlock.Step;
        for (int j = 0; j < multipliers.Length; j++) unit[Multipliers + (Panel.Outputs * j) + row] = multipliers[j];
        for (int part = 0; part < 8; part++)
        {
            for (int j = 0; j < 16; j++) nibbles[j] = (byte)(codes[(32 * part) + j] | (codes[(32 * part) + 16 + j] << 4));
            LegacyNibbles.PackRow(nibbles, row, unit + (part * LegacyNibbles.Bytes));
        }
    }
}
