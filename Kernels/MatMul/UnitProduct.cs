using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>One row of activations times one unit of a packed panel: the inner loop of generation, which unpacks in registers.</summary>
internal unsafe interface IUnitProduct
{
    /// <summary>True if all quads of a part stand in the code, in order: <see cref="QuadByQuad{TFormat}"/> gives the same bits where that is too much code.</summary>
    static virtual bool IsUnrolled => false;

    /// <summary>Adds the product of a unit to <paramref name="sum"/>.</summary>
    /// <param name="sum">16 outputs.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="x">Activations, as many as the unit has k.</param>
    /// <param name="xScales">Their scales, one per part.</param>
    /// <param name="compensations">Start values of the integer sums, one per block.</param>
    /// <param name="scaledSums">What offsets are multiplied by, one per block.</param>
    static abstract TFloats MultiplyAdd<TDot, TBytes, TFloats>(TFloats sum, byte* unit, sbyte* x, float* xScales, int* compensations, float* scaledSums)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>;
}

/// <summary>Block after block, quad after quad: right for every format, and fast where neighbouring quads share no load.</summary>
internal readonly unsafe struct BlockByBlock<TFormat> : IUnitProduct
    where TFormat : struct, IPanelFormat
{
    public static bool IsUnrolled => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats MultiplyAdd<TDot, TBytes, TFloats>(TFloats sum, byte* unit, sbyte* x, float* xScales, int* compensations, float* scaledSums)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        for (int part = 0; part < TFormat.UnitLength / Panel.Part; part++, x += Panel.Part)
        {
            int block = TFormat.BlockLength == Panel.Part ? part : 2 * part;
            TDot dot = TDot.Start(compensations[block]);
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 0), TBytes.SplatQuad(x));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 1), TBytes.SplatQuad(x + Panel.Quad));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 2), TBytes.SplatQuad(x + (2 * Panel.Quad)));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 3), TBytes.SplatQuad(x + (3 * Panel.Quad)));
            if (TFormat.BlockLength == Panel.HalfPart)
            {
                sum = TFloats.MultiplyAdd(TDot.ToSingle(dot), TFormat.Scale<TFloats>(unit, block) * TFloats.Splat(xScales[part]), sum);
                if (TFormat.HasOffset) sum = TFloats.MultiplyAdd(TFormat.Offset<TFloats>(unit, block), TFloats.Splat(scaledSums[block]), sum);
                block++;
                dot = TDot.Start(compensations[block]);
            }

            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 4), TBytes.SplatQuad(x + (4 * Panel.Quad)));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 5), TBytes.SplatQuad(x + (5 * Panel.Quad)));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 6), TBytes.SplatQuad(x + (6 * Panel.Quad)));
            dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, 7), TBytes.SplatQuad(x + (7 * Panel.Quad)));
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot), TFormat.Scale<TFloats>(unit, block) * TFloats.Splat(xScales[part]), sum);
            if (TFormat.HasOffset) sum = TFloats.MultiplyAdd(TFormat.Offset<TFloats>(unit, block), TFloats.Splat(scaledSums[block]), sum);
        }

        return sum;
    }
}

/// <summary>
/// The same in a loop. Where a quad takes four registers of 16, the unrolled form of some formats goes beyond what the JIT inlines, and of others beyond a page of stack for spilled vectors.
/// </summary>
internal readonly unsafe struct QuadByQuad<TFormat> : IUnitProduct
    where TFormat : struct, IPanelFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats MultiplyAdd<TDot, TBytes, TFloats>(TFloats sum, byte* unit, sbyte* x, float* xScales, int* compensations, float* scaledSums)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        int quads = TFormat.BlockLength / Panel.Quad;
        for (int block = 0; block < TFormat.UnitLength / TFormat.BlockLength; block++)
        {
            int part = block * quads / Panel.PartQuads, first = block * quads % Panel.PartQuads;
            TDot dot = TDot.Start(compensations[block]);
            for (int quad = first; quad < first + quads; quad++, x += Panel.Quad) dot.MultiplyAdd(TFormat.Quad<TBytes>(unit, part, quad), TBytes.SplatQuad(x));
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot), TFormat.Scale<TFloats>(unit, block) * TFloats.Splat(xScales[part]), sum);
            if (TFormat.HasOffset) sum = TFloats.MultiplyAdd(TFormat.Offset<TFloats>(unit, block), TFloats.Splat(scaledSums[block]), sum);
        }

        return sum;
    }
}
