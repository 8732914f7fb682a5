using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>One row of activations times one unit of a packed panel: the inner loop of generation, which unpacks in registers.</summary>
internal unsafe interface IUnitProduct
{
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
            if (TFormat.BlockLength == 16)
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
/// Q6_K, four blocks at a time. Two vectors of nibbles and one of high bits hold the quads of four parts: block by block they would be loaded anew for each and shifted by a count known
/// only at run time (81 "tokens"/s where the memory gave 300); here they are loaded once and all shifts are constants. The same numbers, summed in another order.
/// </summary>
internal readonly unsafe struct SixBitUnit : IUnitProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats MultiplyAdd<TDot, TBytes, TFloats>(TFloats sum, byte* unit, sbyte* x, float* xScales, int* compensations, float* scaledSums)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TFloats d = TFloats.LoadFiniteHalf((ushort*)unit);

        // i: halves of 128 values in steps of 2, halves of each part in steps of 1.
        for (int i = 0; i < 4; i++)
        {
            int n = i >> 1, half = i & 1;
            byte* high = unit + PanelQ6_K.High + (Panel.QuadBytes * ((8 * n) + (4 * half)));
            byte* low = unit + PanelQ6_K.Low + (Panel.QuadBytes * ((16 * n) + (4 * half)));
            sbyte* xs = x + (128 * n) + (16 * half);
            int* start = compensations + (8 * n) + half;
            TDot dot0 = TDot.Start(start[0]), dot1 = TDot.Start(start[2]), dot2 = TDot.Start(start[4]), dot3 = TDot.Start(start[6]);
            for (int quad = 0; quad < 4; quad++, high += Panel.QuadBytes, low += Panel.QuadBytes, xs += Panel.Quad)
            {
                TBytes first = TBytes.Load(low), second = TBytes.Load(low + Panel.PartBytes), top = TBytes.Load(high);
                TBytes nibble = TBytes.Splat(0x0F), pair = TBytes.Splat(0x30);
                dot0.MultiplyAdd((first & nibble) | (TBytes.ShiftLeft(top, 4) & pair), TBytes.SplatQuad(xs));
                dot1.MultiplyAdd((second & nibble) | (TBytes.ShiftLeft(top, 2) & pair), TBytes.SplatQuad(xs + Panel.Part));
                dot2.MultiplyAdd((TBytes.ShiftRight(first, 4) & nibble) | (top & pair), TBytes.SplatQuad(xs + (2 * Panel.Part)));
                dot3.MultiplyAdd((TBytes.ShiftRight(second, 4) & nibble) | (TBytes.ShiftRight(top, 2) & pair), TBytes.SplatQuad(xs + (3 * Panel.Part)));
            }

            sbyte* scales = (sbyte*)unit + PanelQ6_K.Scales + (Panel.Outputs * ((8 * n) + half));
            float* xScale = xScales + (4 * n);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot0), d * TFloats.LoadInt8(scales) * TFloats.Splat(xScale[0]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot1), d * TFloats.LoadInt8(scales + (2 * Panel.Outputs)) * TFloats.Splat(xScale[1]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot2), d * TFloats.LoadInt8(scales + (4 * Panel.Outputs)) * TFloats.Splat(xScale[2]), sum);
            sum = TFloats.MultiplyAdd(TDot.ToSingle(dot3), d * TFloats.LoadInt8(scales + (6 * Panel.Outputs)) * TFloats.Splat(xScale[3]), sum);
        }

        return sum;
    }
}
