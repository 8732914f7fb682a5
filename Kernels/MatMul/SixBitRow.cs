using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// One row of activations against a Q6_K panel, straight from the packed bytes; the same numbers as the general row of
/// <see cref="QuantizedPanelProduct{TFormat, TDot, TBytes, TRows}"/>, summed in another order.
/// </summary>
/// <remarks>
/// The general loop asks for one group after the other, and each would load its low and high bits anew and shift them by a count known only at run time: 81 "tokens"/s
/// where the memory gives 300. Two vectors of nibbles and one of high bits hold the groups of four segments of 32 values, so here they are loaded once and all shifts are constants.
/// </remarks>
internal static unsafe class SixBitRow<TDot, TBytes, TRows>
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>Multiplies row <paramref name="row"/> with the panel at <paramref name="unit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(PanelArguments* a, byte* unit, int row, float* y, bool sum)
    {
        sbyte* x = a->Quantized.Values + ((long)row * a->Inputs);
        float* scales = a->Quantized.Scales + ((long)row * (a->Inputs / 32));
        int* starts = a->Starts + ((long)row * (a->Inputs / 16));
        TRows acc = sum ? TRows.Load(y) : TRows.Zero;
        for (int k = 0; k < a->Inputs; k += 256, unit += PanelQ6_K.UnitBytes, x += 256, scales += 8, starts += 16)
        {
            CacheHint.Stream(unit, PanelQ6_K.UnitBytes);
            TRows d = TRows.LoadHalf((ushort*)unit);

            // i: halves of 128 values in steps of 2, halves of each segment of 32 values in steps of 1.
            for (int i = 0; i < 4; i++)
            {
                int n = i >> 1, half = i & 1;
                byte* high = unit + PanelQ6_K.High + (64 * ((8 * n) + (4 * half)));
                byte* low = unit + PanelQ6_K.Low + (64 * ((16 * n) + (4 * half)));
                sbyte* xs = x + (128 * n) + (16 * half);
                int* start = starts + (8 * n) + half;
                TDot dot0 = TDot.Start(start[0]), dot1 = TDot.Start(start[2]), dot2 = TDot.Start(start[4]), dot3 = TDot.Start(start[6]);
                for (int g = 0; g < 4; g++, high += 64, low += 64, xs += 4)
                {
                    TBytes first = TBytes.Load(low), second = TBytes.Load(low + 512), top = TBytes.Load(high);
                    TBytes nibble = TBytes.Splat(0x0F), pair = TBytes.Splat(0x30);
                    dot0 = TDot.MultiplyAdd(dot0, (first & nibble) | (TBytes.ShiftLeft(top, 4) & pair), xs);
                    dot1 = TDot.MultiplyAdd(dot1, (second & nibble) | (TBytes.ShiftLeft(top, 2) & pair), xs + 32);
                    dot2 = TDot.MultiplyAdd(dot2, (TBytes.ShiftRight(first, 4) & nibble) | (top & pair), xs + 64);
                    dot3 = TDot.MultiplyAdd(dot3, (TBytes.ShiftRight(second, 4) & nibble) | (TBytes.ShiftRight(top, 2) & pair), xs + 96);
                }

                sbyte* s = (sbyte*)unit + PanelQ6_K.Scales + (16 * ((8 * n) + half));
                float* factor = scales + (4 * n);
                acc = TRows.MultiplyAdd(TDot.ToSingle(dot0), d * TRows.LoadInt8(s) * TRows.Splat(factor[0]), acc);
                acc = TRows.MultiplyAdd(TDot.ToSingle(dot1), d * TRows.LoadInt8(s + 32) * TRows.Splat(factor[1]), acc);
                acc = TRows.MultiplyAdd(TDot.ToSingle(dot2), d * TRows.LoadInt8(s + 64) * TRows.Splat(factor[2]), acc);
                acc = TRows.MultiplyAdd(TDot.ToSingle(dot3), d * TRows.LoadInt8(s + 96) * TRows.Splat(factor[3]), acc);
            }
        }

        TRows.Store(acc, y);
    }
}
