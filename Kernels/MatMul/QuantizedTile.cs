using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>A panel unpacked to plain bytes [k / 4][16 rows][4] and float scales and offsets [block][16 rows].</summary>
internal unsafe struct UnpackedPanel
{
    public byte* Bytes;
    public float* Scales;
    public float* Offsets;
}

/// <summary>
/// The register tiles of <see cref="QuantizedPanelProduct{TFormat, TDot, TBytes, TRows}"/>: four rows of activations against one or two unpacked panels of 16 weight rows.
/// </summary>
/// <remarks>
/// <para>
/// Register budget: an integer and a float accumulator for each row and panel, a weight vector per panel, one broadcast of four activations. A VNNI accumulator is two 256-bit
/// registers, and the JIT keeps the target of <c>vpdpbusd</c> within the lower 16, so 4 × 1 (8 + 4) is what fits. 16-bit sums are one 512-bit register each: 4 × 2 (8 + 8).
/// </para>
/// <para>
/// The multiply-adds of four groups of k stand in the code one after the other: on a core whose other hardware thread is busy the front end sets the pace, and a loop
/// per group spent a third of its instructions on counting. Timed in one process, 2 threads, 512 × 576 × 960, medians in GMAC/s (peak of bare <c>vpdpbusd</c> 463):
/// 8-bit: 4 × 1 with a loop per group 295, unrolled 352; 4 × 2 unrolled 313 and 8 × 1 unrolled 323 (spills); activations packed by four rows 356 (not worth another layout).
/// 4-bit, 16-bit sums: 8 × 1 with a loop 399, unrolled 456; 4 × 2 unrolled 495; 4 × 3 514, 6 × 2 515 (their remainders would cost more).
/// </para>
/// <para>No method here calls anything: a call would make the JIT spill every accumulator that lives across it.</para>
/// </remarks>
internal static unsafe class QuantizedTile<TFormat, TDot, TBytes, TRows>
    where TFormat : struct, IPanelFormat
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>Four rows against one panel.</summary>
    /// <param name="a">The product.</param>
    /// <param name="w">Unpacked weights of k … k + length − 1.</param>
    /// <param name="row">First row of activations.</param>
    /// <param name="k">First k.</param>
    /// <param name="length">Number of k, a multiple of 32.</param>
    /// <param name="y">First row of the result's 16 columns.</param>
    /// <param name="stride">Floats from one row of the result to the next.</param>
    /// <param name="sum">True to add to the result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourByOne(PanelArguments* a, UnpackedPanel w, int row, int k, int length, float* y, long stride, bool sum)
    {
        long blocksPerRow = a->Inputs / TFormat.BlockLength, scalesPerRow = a->Inputs / 32;
        int blocks = length / TFormat.BlockLength;
        sbyte* x0 = a->Quantized.Values + ((long)row * a->Inputs) + k;
        sbyte* x1 = x0 + a->Inputs, x2 = x1 + a->Inputs, x3 = x2 + a->Inputs;
        float* scales = a->Quantized.Scales + (row * scalesPerRow) + (k / 32);
        int* starts = a->Starts + (row * blocksPerRow) + (k / TFormat.BlockLength);
        float* sums = a->Sums + (row * blocksPerRow) + (k / TFormat.BlockLength);
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows acc1 = sum ? TRows.Load(y + stride) : TRows.Zero;
        TRows acc2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero;
        TRows acc3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero;
        byte* bytes = w.Bytes;
        for (int b = 0; b < blocks; b++)
        {
            TDot dot0 = TDot.Start(starts[0]), dot1 = TDot.Start(starts[blocksPerRow]);
            TDot dot2 = TDot.Start(starts[2 * blocksPerRow]), dot3 = TDot.Start(starts[3 * blocksPerRow]);
            for (int i = 0; i < TFormat.BlockLength; i += 16)
            {
                TBytes v0 = TBytes.Load(bytes);
                dot0 = TDot.MultiplyAdd(dot0, v0, x0 + i);
                dot1 = TDot.MultiplyAdd(dot1, v0, x1 + i);
                dot2 = TDot.MultiplyAdd(dot2, v0, x2 + i);
                dot3 = TDot.MultiplyAdd(dot3, v0, x3 + i);
                TBytes v1 = TBytes.Load(bytes + 64);
                dot0 = TDot.MultiplyAdd(dot0, v1, x0 + i + 4);
                dot1 = TDot.MultiplyAdd(dot1, v1, x1 + i + 4);
                dot2 = TDot.MultiplyAdd(dot2, v1, x2 + i + 4);
                dot3 = TDot.MultiplyAdd(dot3, v1, x3 + i + 4);
                TBytes v2 = TBytes.Load(bytes + 128);
                dot0 = TDot.MultiplyAdd(dot0, v2, x0 + i + 8);
                dot1 = TDot.MultiplyAdd(dot1, v2, x1 + i + 8);
                dot2 = TDot.MultiplyAdd(dot2, v2, x2 + i + 8);
                dot3 = TDot.MultiplyAdd(dot3, v2, x3 + i + 8);
                TBytes v3 = TBytes.Load(bytes + 192);
                dot0 = TDot.MultiplyAdd(dot0, v3, x0 + i + 12);
                dot1 = TDot.MultiplyAdd(dot1, v3, x1 + i + 12);
                dot2 = TDot.MultiplyAdd(dot2, v3, x2 + i + 12);
                dot3 = TDot.MultiplyAdd(dot3, v3, x3 + i + 12);
                bytes += 256;
            }

            TRows scale = TRows.Load(w.Scales + (16 * b));
            float* s = scales + (b * TFormat.BlockLength / 32);
            acc0 = TRows.MultiplyAdd(TDot.ToSingle(dot0), scale * TRows.Splat(s[0]), acc0);
            acc1 = TRows.MultiplyAdd(TDot.ToSingle(dot1), scale * TRows.Splat(s[scalesPerRow]), acc1);
            acc2 = TRows.MultiplyAdd(TDot.ToSingle(dot2), scale * TRows.Splat(s[2 * scalesPerRow]), acc2);
            acc3 = TRows.MultiplyAdd(TDot.ToSingle(dot3), scale * TRows.Splat(s[3 * scalesPerRow]), acc3);
            if (TFormat.HasOffset)
            {
                TRows offset = TRows.Load(w.Offsets + (16 * b));
                acc0 = TRows.MultiplyAdd(offset, TRows.Splat(sums[0]), acc0);
                acc1 = TRows.MultiplyAdd(offset, TRows.Splat(sums[blocksPerRow]), acc1);
                acc2 = TRows.MultiplyAdd(offset, TRows.Splat(sums[2 * blocksPerRow]), acc2);
                acc3 = TRows.MultiplyAdd(offset, TRows.Splat(sums[3 * blocksPerRow]), acc3);
                sums++;
            }

            starts++;
            x0 += TFormat.BlockLength;
            x1 += TFormat.BlockLength;
            x2 += TFormat.BlockLength;
            x3 += TFormat.BlockLength;
        }

        TRows.Store(acc0, y);
        TRows.Store(acc1, y + stride);
        TRows.Store(acc2, y + (2 * stride));
        TRows.Store(acc3, y + (3 * stride));
    }

    /// <summary>Four rows against two neighbouring panels, for sets whose accumulator is one of 32 registers: each broadcast serves two products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourByTwo(PanelArguments* a, UnpackedPanel w, UnpackedPanel w1, int row, int k, int length, float* y, long stride, bool sum)
    {
        long blocksPerRow = a->Inputs / TFormat.BlockLength, scalesPerRow = a->Inputs / 32;
        int blocks = length / TFormat.BlockLength;
        sbyte* x0 = a->Quantized.Values + ((long)row * a->Inputs) + k;
        sbyte* x1 = x0 + a->Inputs, x2 = x1 + a->Inputs, x3 = x2 + a->Inputs;
        float* scales = a->Quantized.Scales + (row * scalesPerRow) + (k / 32);
        int* starts = a->Starts + (row * blocksPerRow) + (k / TFormat.BlockLength);
        float* sums = a->Sums + (row * blocksPerRow) + (k / TFormat.BlockLength);
        TRows left0 = sum ? TRows.Load(y) : TRows.Zero, right0 = sum ? TRows.Load(y + 16) : TRows.Zero;
        TRows left1 = sum ? TRows.Load(y + stride) : TRows.Zero, right1 = sum ? TRows.Load(y + stride + 16) : TRows.Zero;
        TRows left2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero, right2 = sum ? TRows.Load(y + (2 * stride) + 16) : TRows.Zero;
        TRows left3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero, right3 = sum ? TRows.Load(y + (3 * stride) + 16) : TRows.Zero;
        byte* left = w.Bytes, right = w1.Bytes;
        for (int b = 0; b < blocks; b++)
        {
            TDot dot0 = TDot.Start(starts[0]), sum0 = dot0, dot1 = TDot.Start(starts[blocksPerRow]), sum1 = dot1;
            TDot dot2 = TDot.Start(starts[2 * blocksPerRow]), sum2 = dot2, dot3 = TDot.Start(starts[3 * blocksPerRow]), sum3 = dot3;
            for (int i = 0; i < TFormat.BlockLength; i += 16)
            {
                TBytes v0 = TBytes.Load(left), u0 = TBytes.Load(right);
                dot0 = TDot.MultiplyAdd(dot0, v0, x0 + i);
                sum0 = TDot.MultiplyAdd(sum0, u0, x0 + i);
                dot1 = TDot.MultiplyAdd(dot1, v0, x1 + i);
                sum1 = TDot.MultiplyAdd(sum1, u0, x1 + i);
                dot2 = TDot.MultiplyAdd(dot2, v0, x2 + i);
                sum2 = TDot.MultiplyAdd(sum2, u0, x2 + i);
                dot3 = TDot.MultiplyAdd(dot3, v0, x3 + i);
                sum3 = TDot.MultiplyAdd(sum3, u0, x3 + i);
                TBytes v1 = TBytes.Load(left + 64), u1 = TBytes.Load(right + 64);
                dot0 = TDot.MultiplyAdd(dot0, v1, x0 + i + 4);
                sum0 = TDot.MultiplyAdd(sum0, u1, x0 + i + 4);
                dot1 = TDot.MultiplyAdd(dot1, v1, x1 + i + 4);
                sum1 = TDot.MultiplyAdd(sum1, u1, x1 + i + 4);
                dot2 = TDot.MultiplyAdd(dot2, v1, x2 + i + 4);
                sum2 = TDot.MultiplyAdd(sum2, u1, x2 + i + 4);
                dot3 = TDot.MultiplyAdd(dot3, v1, x3 + i + 4);
                sum3 = TDot.MultiplyAdd(sum3, u1, x3 + i + 4);
                TBytes v2 = TBytes.Load(left + 128), u2 = TBytes.Load(right + 128);
                dot0 = TDot.MultiplyAdd(dot0, v2, x0 + i + 8);
                sum0 = TDot.MultiplyAdd(sum0, u2, x0 + i + 8);
                dot1 = TDot.MultiplyAdd(dot1, v2, x1 + i + 8);
                sum1 = TDot.MultiplyAdd(sum1, u2, x1 + i + 8);
                dot2 = TDot.MultiplyAdd(dot2, v2, x2 + i + 8);
                sum2 = TDot.MultiplyAdd(sum2, u2, x2 + i + 8);
                dot3 = TDot.MultiplyAdd(dot3, v2, x3 + i + 8);
                sum3 = TDot.MultiplyAdd(sum3, u2, x3 + i + 8);
                TBytes v3 = TBytes.Load(left + 192), u3 = TBytes.Load(right + 192);
                dot0 = TDot.MultiplyAdd(dot0, v3, x0 + i + 12);
                sum0 = TDot.MultiplyAdd(sum0, u3, x0 + i + 12);
                dot1 = TDot.MultiplyAdd(dot1, v3, x1 + i + 12);
                sum1 = TDot.MultiplyAdd(sum1, u3, x1 + i + 12);
                dot2 = TDot.MultiplyAdd(dot2, v3, x2 + i + 12);
                sum2 = TDot.MultiplyAdd(sum2, u3, x2 + i + 12);
                dot3 = TDot.MultiplyAdd(dot3, v3, x3 + i + 12);
                sum3 = TDot.MultiplyAdd(sum3, u3, x3 + i + 12);
                left += 256;
                right += 256;
            }

            TRows scale = TRows.Load(w.Scales + (16 * b)), scale1 = TRows.Load(w1.Scales + (16 * b));
            float* s = scales + (b * TFormat.BlockLength / 32);
            TRows factor = TRows.Splat(s[0]);
            left0 = TRows.MultiplyAdd(TDot.ToSingle(dot0), scale * factor, left0);
            right0 = TRows.MultiplyAdd(TDot.ToSingle(sum0), scale1 * factor, right0);
            factor = TRows.Splat(s[scalesPerRow]);
            left1 = TRows.MultiplyAdd(TDot.ToSingle(dot1), scale * factor, left1);
            right1 = TRows.MultiplyAdd(TDot.ToSingle(sum1), scale1 * factor, right1);
            factor = TRows.Splat(s[2 * scalesPerRow]);
            left2 = TRows.MultiplyAdd(TDot.ToSingle(dot2), scale * factor, left2);
            right2 = TRows.MultiplyAdd(TDot.ToSingle(sum2), scale1 * factor, right2);
            factor = TRows.Splat(s[3 * scalesPerRow]);
            left3 = TRows.MultiplyAdd(TDot.ToSingle(dot3), scale * factor, left3);
            right3 = TRows.MultiplyAdd(TDot.ToSingle(sum3), scale1 * factor, right3);
            if (TFormat.HasOffset)
            {
                TRows offset = TRows.Load(w.Offsets + (16 * b)), offset1 = TRows.Load(w1.Offsets + (16 * b));
                factor = TRows.Splat(sums[0]);
                left0 = TRows.MultiplyAdd(offset, factor, left0);
                right0 = TRows.MultiplyAdd(offset1, factor, right0);
                factor = TRows.Splat(sums[blocksPerRow]);
                left1 = TRows.MultiplyAdd(offset, factor, left1);
                right1 = TRows.MultiplyAdd(offset1, factor, right1);
                factor = TRows.Splat(sums[2 * blocksPerRow]);
                left2 = TRows.MultiplyAdd(offset, factor, left2);
                right2 = TRows.MultiplyAdd(offset1, factor, right2);
                factor = TRows.Splat(sums[3 * blocksPerRow]);
                left3 = TRows.MultiplyAdd(offset, factor, left3);
                right3 = TRows.MultiplyAdd(offset1, factor, right3);
                sums++;
            }

            starts++;
            x0 += TFormat.BlockLength;
            x1 += TFormat.BlockLength;
            x2 += TFormat.BlockLength;
            x3 += TFormat.BlockLength;
        }

        TRows.Store(left0, y);
        TRows.Store(right0, y + 16);
        TRows.Store(left1, y + stride);
        TRows.Store(right1, y + stride + 16);
        TRows.Store(left2, y + (2 * stride));
        TRows.Store(right2, y + (2 * stride) + 16);
        TRows.Store(left3, y + (3 * stride));
        TRows.Store(right3, y + (3 * stride) + 16);
    }

    /// <summary>What remains: one row against one panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneByOne(PanelArguments* a, UnpackedPanel w, int row, int k, int length, float* y, bool sum)
    {
        int blocksPerRow = a->Inputs / TFormat.BlockLength, blocks = length / TFormat.BlockLength;
        sbyte* x = a->Quantized.Values + ((long)row * a->Inputs) + k;
        float* scales = a->Quantized.Scales + ((long)row * (a->Inputs / 32)) + (k / 32);
        int* starts = a->Starts + ((long)row * blocksPerRow) + (k / TFormat.BlockLength);
        float* sums = a->Sums + ((long)row * blocksPerRow) + (k / TFormat.BlockLength);
        TRows acc = sum ? TRows.Load(y) : TRows.Zero;
        byte* bytes = w.Bytes;
        for (int b = 0; b < blocks; b++)
        {
            TDot dot = TDot.Start(starts[b]);
            for (int i = 0; i < TFormat.BlockLength; i += 4, x += 4, bytes += 64) dot = TDot.MultiplyAdd(dot, TBytes.Load(bytes), x);
            acc = TRows.MultiplyAdd(TDot.ToSingle(dot), TRows.Load(w.Scales + (16 * b)) * TRows.Splat(scales[b * TFormat.BlockLength / 32]), acc);
            if (TFormat.HasOffset) acc = TRows.MultiplyAdd(TRows.Load(w.Offsets + (16 * b)), TRows.Splat(sums[b]), acc);
        }

        TRows.Store(acc, y);
    }
}
