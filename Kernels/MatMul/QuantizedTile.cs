using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>One panel, or two side by side, unpacked to plain bytes and floats: Bytes [quad][panel][16 outputs][4], Scales and Offsets [block][panel][16 outputs].</summary>
internal unsafe struct UnpackedPanels
{
    public byte* Bytes;
    public float* Scales;
    public float* Offsets;
}

/// <summary>The register tile of the quantised products: some rows of activations against one or two unpacked panels of 16 outputs.</summary>
/// <remarks>
/// <para>A product is y[r, o] = Σ_k W[o, k]·x[r, k]: rows r of activations, outputs o, inputs k. <see cref="Panel"/> explains the other words.</para>
/// <code>
/// a quad of a panel: 64 bytes = 16 outputs × 4 k                          a quad of one row of x
///
///   output 0        output 1              output 15                        k k+1 k+2 k+3
/// ┌───────────────┬───────────────┬─ … ─┬───────────────┐                ┌───┬───┬───┬───┐
/// │ k k+1 k+2 k+3 │ k k+1 k+2 k+3 │     │ k k+1 k+2 k+3 │   times        │ x │ x │ x │ x │   broadcast to all 16
/// └───────────────┴───────────────┴─ … ─┴───────────────┘                └───┴───┴───┴───┘
///   sum 0           sum 1                 sum 15              16 sums of 32 bits: lane o belongs to output o, nothing is added across lanes
/// </code>
/// <code>
/// W[o, k] = scale·(q − zero point) + offset        q an unsigned byte, or fewer bits of one
/// x[r, k] = scale of x · v                         v a signed byte, −127 … 127
///
/// y[r, o] = Σ over blocks:   scale · scale of x · (Σ q·v + compensation)   +   offset · scaled sum
///                            compensation = −zero point · Σ v                  scaled sum = scale of x · Σ v
/// </code>
/// <para>
/// How 512 rows × 576 inputs × 1,536 outputs of Q8_0 run with tiles of 4 × 1: <see cref="ActivationQuantizer"/> rounds each row to 18 parts of 32 bytes. The outputs are 96 panels, which
/// threads take one by one. A thread unpacks its panel to 144 quads (9 KB) and the scales of 18 blocks, and goes down the rows, four at a time: 128 tiles. A tile runs along the 18 blocks. In
/// each it takes eight quads: one load of 64 weights, and for each row a broadcast of four activations and a multiply-add. At the end of the block the 4 × 16 integer sums become floats, are
/// scaled and added to the float sums; after the last one these go to y.
/// </para>
/// <para>
/// Rows and panels of a tile are types, which the JIT takes apart into registers: <see cref="RowPair{TRows, TDot, TBytes, TFloats}"/> of
/// <see cref="RowPair{TRows, TDot, TBytes, TFloats}"/> of <see cref="OneRow{TDot, TBytes, TFloats}"/> are four rows; with a <see cref="DotPair{T, TBytes, TFloats}"/> each of them has the sums
/// of two panels, and a broadcast of activations serves both.
/// </para>
/// <para>
/// Register budget: an integer and a float sum for each row and panel, a weight vector per panel, one broadcast of four activations. A sum of 32 bits by <c>vpdpbusd</c> is two 256-bit
/// registers, and the JIT keeps the target of <c>vpdpbusd</c> within the lower 16, so 4 × 1 (8 + 4) is what fits. 16-bit sums are one 512-bit register each: 4 × 2 (8 + 8).
/// </para>
/// <para>
/// The multiply-adds of four quads stand in the code one after the other: on a core whose other hardware thread is busy the front end sets the pace, and a loop
/// per quad spent a third of its instructions on counting. Timed in one process, 2 threads, 512 × 576 × 960, medians in GMAC/s (peak of bare <c>vpdpbusd</c> 463):
/// 8-bit: 4 × 1 with a loop per quad 295, unrolled 352; 4 × 2 unrolled 313 and 8 × 1 unrolled 323 (spills); activations packed by four rows 356 (not worth another layout).
/// Float sums kept in memory cost 10–20 %; <c>vpmaddubsw</c> or FMA beside <c>vpdpbusd</c> gain nothing, since all share the same two pipes.
/// 4-bit, 16-bit sums: 8 × 1 with a loop 399, unrolled 456; 4 × 2 unrolled 495; 4 × 3 514, 6 × 2 515 (their remainders would cost more).
/// </para>
/// <para>The method calls nothing: a call would make the JIT spill every sum that lives across it.</para>
/// </remarks>
internal static unsafe class QuantizedTile<TFormat, TDot, TBytes, TFloats>
    where TFormat : struct, IPanelFormat
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    /// <summary>Quads whose multiply-adds stand one after the other in the code.</summary>
    private const int Unrolled = 4;

    /// <summary>Multiplies the rows that <typeparamref name="TRows"/> stands for.</summary>
    /// <param name="a">The product.</param>
    /// <param name="w">Unpacked weights of k … k + length − 1.</param>
    /// <param name="row">First row of activations.</param>
    /// <param name="k">First k.</param>
    /// <param name="length">Number of k, a multiple of 32.</param>
    /// <param name="y">First row of the result.</param>
    /// <param name="yStride">Floats from one row of the result to the next.</param>
    /// <param name="accumulate">True to add to the result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TRows>(PanelArguments* a, UnpackedPanels w, int row, int k, int length, float* y, long yStride, bool accumulate)
        where TRows : unmanaged, ITileRows<TRows, TDot, TBytes, TFloats>
    {
        long parts = a->Inputs / Panel.Part, blocks = a->Inputs / TFormat.BlockLength;
        float* xScales = a->Quantized.Scales + (row * parts) + (k / Panel.Part);
        int* compensations = a->Compensations + (row * blocks) + (k / TFormat.BlockLength);
        float* scaledSums = a->ScaledSums + (row * blocks) + (k / TFormat.BlockLength);
        byte* bytes = w.Bytes;
        TRows rows = TRows.Load(a->Quantized.Values + ((long)row * a->Inputs) + k, a->Inputs, y, yStride, accumulate);
        long i = 0;
        for (int block = 0; block < length / TFormat.BlockLength; block++)
        {
            rows.Start(compensations + block, blocks);
            for (long end = i + TFormat.BlockLength; i < end; i += Unrolled * Panel.Quad, bytes += Unrolled * TBytes.Count)
            {
                rows.MultiplyAdd(TBytes.Load(bytes), i, 0);
                rows.MultiplyAdd(TBytes.Load(bytes + TBytes.Count), i, 1);
                rows.MultiplyAdd(TBytes.Load(bytes + (2 * TBytes.Count)), i, 2);
                rows.MultiplyAdd(TBytes.Load(bytes + (3 * TBytes.Count)), i, 3);
            }

            rows.AddBlock(TFloats.Load(w.Scales + (TFloats.Count * block)), xScales + (TFormat.BlockLength == Panel.Part ? block : block >> 1), parts);
            if (TFormat.HasOffset) rows.AddOffset(TFloats.Load(w.Offsets + (TFloats.Count * block)), scaledSums + block, blocks);
        }

        rows.Store(y, yStride);
    }
}
