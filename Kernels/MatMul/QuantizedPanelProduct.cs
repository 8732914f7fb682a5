using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// y[r, o] = Σ_block (Σ_k (q[o, k] − zero)·x[r, k])·dw·dx + offset[o]·Σx: the product of quantised activations with a panel of 16 weight rows.
/// </summary>
/// <remarks>
/// <para>Few rows (generation): each row streams over the packed panel once; bytes are unpacked in registers, nothing is written but y. The memory bus sets the pace.</para>
/// <para>
/// Many rows (prompts, pictures): the panel is unpacked once to plain bytes and float scales in scratch (16 × k bytes, mostly within L1), then tiles of
/// rows go over it. Per 64 bytes of weights a tile of R rows costs one load, R broadcasts of four activations and R multiply-adds; the float step
/// comes once per 32 k.
/// </para>
/// <para>
/// Register budget of a tile: R integer accumulators, R float accumulators, one weight vector, one broadcast. With 16-bit sums one accumulator is one of AVX-512's 32 registers and
/// R = 8. A VNNI accumulator is two 256-bit registers, and where AVX-512 is missing there are 16 in all: R = 4. Not tried: R = 8 with VNNI where the JIT encodes it with EVEX (it does
/// on AVX-512 machines, so 32 registers are there too).
/// </para>
/// </remarks>
internal static unsafe class QuantizedPanelProduct<TFormat, TDot, TBytes, TRows>
    where TFormat : struct, IPanelFormat
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>Largest number of k that is unpacked at a time: 16 · 2048 bytes leave room in L1 for the activations.</summary>
    private const int MaxUnpacked = 2048;

    /// <summary>Computes panels <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    [SkipLocalsInit]
    public static void Run(PanelArguments* a, int first, int count)
    {
        bool few = a->Rows < 4;
        int length = Math.Min(a->Inputs, MaxUnpacked);
        byte* memory = stackalloc byte[few ? 64 : (16 * length) + (2 * 64 * (length / TFormat.BlockLength)) + 64];
        float* copy = stackalloc float[PanelOutput.MaxRows * 16];
        var unpacked = new Unpacked { Bytes = (byte*)(((nint)memory + 63) & -64) };
        unpacked.Scales = (float*)(unpacked.Bytes + (16 * length));
        unpacked.Offsets = unpacked.Scales + (16 * (length / TFormat.BlockLength));
        for (int p = first; p < first + count; p++)
        {
            var output = new PanelOutput(a, p, copy);
            byte* panel = a->Weights + (p * a->PanelBytes);
            float* y;
            if (few)
            {
                for (int row = 0; row < a->Rows; row++)
                {
                    bool sum = output.Begin(row, 1, 0, out y);
                    if (TFormat.BlockLength == 32) SingleRow32(a, panel, row, y, sum);
                    else SingleRow16(a, panel, row, y, sum);
                    output.End(row, 1);
                }

                continue;
            }

            for (int k = 0; k < a->Inputs; k += MaxUnpacked)
            {
                int part = Math.Min(a->Inputs - k, MaxUnpacked), row = 0;
                Unpack(panel + (k / TFormat.UnitLength * TFormat.UnitBytes), part, unpacked);
                if (Vector512.IsHardwareAccelerated && TDot.PairedSums)
                {
                    for (; row <= a->Rows - 8; row += 8)
                    {
                        bool sum = output.Begin(row, 8, k, out y);
                        EightRows(a, unpacked, row, k, part, y, output.Stride, sum);
                        output.End(row, 8);
                    }
                }

                for (; row <= a->Rows - 4; row += 4)
                {
                    bool sum = output.Begin(row, 4, k, out y);
                    FourRows(a, unpacked, row, k, part, y, output.Stride, sum);
                    output.End(row, 4);
                }

                for (; row < a->Rows; row++)
                {
                    bool sum = output.Begin(row, 1, k, out y);
                    OneRow(a, unpacked, row, k, part, y, sum);
                    output.End(row, 1);
                }
            }
        }
    }

    /// <summary>One row straight from the packed panel, one scale per 32 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow32(PanelArguments* a, byte* unit, int row, float* y, bool sum)
    {
        int parts = a->Inputs / 32;
        sbyte* x = a->Quantized.Values + ((long)row * a->Inputs);
        float* scales = a->Quantized.Scales + ((long)row * parts);
        int* starts = a->Starts + ((long)row * (a->Inputs / TFormat.BlockLength));
        float* sums = a->Sums + ((long)row * (a->Inputs / TFormat.BlockLength));
        TRows acc = sum ? TRows.Load(y) : TRows.Zero;
        int partsPerUnit = TFormat.UnitLength / 32;
        for (int p = 0; p < parts; p += partsPerUnit, unit += TFormat.UnitBytes)
        {
            for (int j = 0; j < partsPerUnit; j++, x += 32, scales++)
            {
                TDot dot = TDot.Start(*starts++);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 0), x);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 1), x + 4);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 2), x + 8);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 3), x + 12);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 4), x + 16);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 5), x + 20);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 6), x + 24);
                dot = TDot.MultiplyAdd(dot, TFormat.Group<TBytes>(unit, j, 7), x + 28);
                acc = TRows.MultiplyAdd(TDot.ToSingle(dot), TFormat.Scale<TRows>(unit, j) * TRows.Splat(*scales), acc);
                if (TFormat.HasOffset) acc = TRows.MultiplyAdd(TFormat.Offset<TRows>(unit, j), TRows.Splat(*sums++), acc);
            }
        }

        TRows.Store(acc, y);
    }

    /// <summary>
    /// The same with a scale per 16 values. A method of its own, and a loop instead of eight lines: the JIT counts what it might inline in both branches of an if, and
    /// beyond its budget it calls the leaves instead of inlining them (Q6_K ran at a tenth of the speed).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow16(PanelArguments* a, byte* unit, int row, float* y, bool sum)
    {
        int parts = a->Inputs / 32;
        sbyte* x = a->Quantized.Values + ((long)row * a->Inputs);
        float* scales = a->Quantized.Scales + ((long)row * parts);
        int* starts = a->Starts + ((long)row * (a->Inputs / TFormat.BlockLength));
        float* sums = a->Sums + ((long)row * (a->Inputs / TFormat.BlockLength));
        TRows acc = sum ? TRows.Load(y) : TRows.Zero;
        int partsPerUnit = TFormat.UnitLength / 32;
        for (int p = 0; p < parts; p += partsPerUnit, unit += TFormat.UnitBytes)
        {
            for (int j = 0; j < partsPerUnit; j++, x += 32, scales++)
            {
                TDot low = TDot.Start(*starts++), high = TDot.Start(*starts++);
                for (int g = 0; g < 4; g++)
                {
                    low = TDot.MultiplyAdd(low, TFormat.Group<TBytes>(unit, j, g), x + (4 * g));
                    high = TDot.MultiplyAdd(high, TFormat.Group<TBytes>(unit, j, g + 4), x + 16 + (4 * g));
                }

                TRows scale = TRows.Splat(*scales);
                acc = TRows.MultiplyAdd(TDot.ToSingle(low), TFormat.Scale<TRows>(unit, 2 * j) * scale, acc);
                acc = TRows.MultiplyAdd(TDot.ToSingle(high), TFormat.Scale<TRows>(unit, (2 * j) + 1) * scale, acc);
                if (TFormat.HasOffset)
                {
                    acc = TRows.MultiplyAdd(TFormat.Offset<TRows>(unit, 2 * j), TRows.Splat(*sums++), acc);
                    acc = TRows.MultiplyAdd(TFormat.Offset<TRows>(unit, (2 * j) + 1), TRows.Splat(*sums++), acc);
                }
            }
        }

        TRows.Store(acc, y);
    }

    /// <summary>Writes plain bytes and float scales of <paramref name="length"/> k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* unit, int length, Unpacked target)
    {
        byte* bytes = target.Bytes;
        int partsPerUnit = TFormat.UnitLength / 32, blocksPerUnit = TFormat.UnitLength / TFormat.BlockLength, block = 0;
        for (int k = 0; k < length; k += TFormat.UnitLength, unit += TFormat.UnitBytes)
        {
            for (int j = 0; j < partsPerUnit; j++, bytes += 512)
            {
                if (TFormat.BlockLength == 16)
                {
                    for (int g = 0; g < 8; g++) TBytes.Store(TFormat.Group<TBytes>(unit, j, g), bytes + (64 * g));
                    continue;
                }

                TBytes.Store(TFormat.Group<TBytes>(unit, j, 0), bytes);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 1), bytes + 64);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 2), bytes + 128);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 3), bytes + 192);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 4), bytes + 256);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 5), bytes + 320);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 6), bytes + 384);
                TBytes.Store(TFormat.Group<TBytes>(unit, j, 7), bytes + 448);
            }

            for (int j = 0; j < blocksPerUnit; j++, block++)
            {
                TRows.Store(TFormat.Scale<TRows>(unit, j), target.Scales + (16 * block));
                if (TFormat.HasOffset) TRows.Store(TFormat.Offset<TRows>(unit, j), target.Offsets + (16 * block));
            }
        }
    }

    /// <summary>Twice <see cref="FourRows"/>, for sets whose accumulator is one of 32 registers: half the loads of weights and scales per product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows(PanelArguments* a, Unpacked w, int row, int k, int length, float* y, long stride, bool sum)
    {
        long columns = a->Inputs, blocksPerRow = a->Inputs / TFormat.BlockLength, scalesPerRow = a->Inputs / 32;
        int blocks = length / TFormat.BlockLength;
        sbyte* x = a->Quantized.Values + (row * columns) + k;
        float* scales = a->Quantized.Scales + (row * scalesPerRow) + (k / 32);
        int* starts = a->Starts + (row * blocksPerRow) + (k / TFormat.BlockLength);
        float* sums = a->Sums + (row * blocksPerRow) + (k / TFormat.BlockLength);
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows acc1 = sum ? TRows.Load(y + stride) : TRows.Zero;
        TRows acc2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero;
        TRows acc3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero;
        TRows acc4 = sum ? TRows.Load(y + (4 * stride)) : TRows.Zero;
        TRows acc5 = sum ? TRows.Load(y + (5 * stride)) : TRows.Zero;
        TRows acc6 = sum ? TRows.Load(y + (6 * stride)) : TRows.Zero;
        TRows acc7 = sum ? TRows.Load(y + (7 * stride)) : TRows.Zero;
        byte* bytes = w.Bytes;
        for (int b = 0; b < blocks; b++)
        {
            int* start4 = starts + (4 * blocksPerRow);
            TDot dot0 = TDot.Start(starts[0]);
            TDot dot1 = TDot.Start(starts[blocksPerRow]);
            TDot dot2 = TDot.Start(starts[2 * blocksPerRow]);
            TDot dot3 = TDot.Start(starts[3 * blocksPerRow]);
            TDot dot4 = TDot.Start(start4[0]);
            TDot dot5 = TDot.Start(start4[blocksPerRow]);
            TDot dot6 = TDot.Start(start4[2 * blocksPerRow]);
            TDot dot7 = TDot.Start(start4[3 * blocksPerRow]);
            starts++;
            sbyte* x3 = x + (3 * columns), x6 = x3 + (3 * columns);
            for (int i = 0; i < TFormat.BlockLength; i += 4)
            {
                TBytes v = TBytes.Load(bytes);
                dot0 = TDot.MultiplyAdd(dot0, v, x);
                dot1 = TDot.MultiplyAdd(dot1, v, x + columns);
                dot2 = TDot.MultiplyAdd(dot2, v, x + (2 * columns));
                dot3 = TDot.MultiplyAdd(dot3, v, x3);
                dot4 = TDot.MultiplyAdd(dot4, v, x3 + columns);
                dot5 = TDot.MultiplyAdd(dot5, v, x3 + (2 * columns));
                dot6 = TDot.MultiplyAdd(dot6, v, x6);
                dot7 = TDot.MultiplyAdd(dot7, v, x6 + columns);
                bytes += 64;
                x += 4;
                x3 += 4;
                x6 += 4;
            }

            TRows scale = TRows.Load(w.Scales + (16 * b));
            float* s = scales + (b * TFormat.BlockLength / 32), s4 = s + (4 * scalesPerRow);
            acc0 = TRows.MultiplyAdd(TDot.ToSingle(dot0), scale * TRows.Splat(s[0]), acc0);
            acc1 = TRows.MultiplyAdd(TDot.ToSingle(dot1), scale * TRows.Splat(s[scalesPerRow]), acc1);
            acc2 = TRows.MultiplyAdd(TDot.ToSingle(dot2), scale * TRows.Splat(s[2 * scalesPerRow]), acc2);
            acc3 = TRows.MultiplyAdd(TDot.ToSingle(dot3), scale * TRows.Splat(s[3 * scalesPerRow]), acc3);
            acc4 = TRows.MultiplyAdd(TDot.ToSingle(dot4), scale * TRows.Splat(s4[0]), acc4);
            acc5 = TRows.MultiplyAdd(TDot.ToSingle(dot5), scale * TRows.Splat(s4[scalesPerRow]), acc5);
            acc6 = TRows.MultiplyAdd(TDot.ToSingle(dot6), scale * TRows.Splat(s4[2 * scalesPerRow]), acc6);
            acc7 = TRows.MultiplyAdd(TDot.ToSingle(dot7), scale * TRows.Splat(s4[3 * scalesPerRow]), acc7);
            if (TFormat.HasOffset)
            {
                TRows offset = TRows.Load(w.Offsets + (16 * b));
                float* sum4 = sums + (4 * blocksPerRow);
                acc0 = TRows.MultiplyAdd(offset, TRows.Splat(sums[0]), acc0);
                acc1 = TRows.MultiplyAdd(offset, TRows.Splat(sums[blocksPerRow]), acc1);
                acc2 = TRows.MultiplyAdd(offset, TRows.Splat(sums[2 * blocksPerRow]), acc2);
                acc3 = TRows.MultiplyAdd(offset, TRows.Splat(sums[3 * blocksPerRow]), acc3);
                acc4 = TRows.MultiplyAdd(offset, TRows.Splat(sum4[0]), acc4);
                acc5 = TRows.MultiplyAdd(offset, TRows.Splat(sum4[blocksPerRow]), acc5);
                acc6 = TRows.MultiplyAdd(offset, TRows.Splat(sum4[2 * blocksPerRow]), acc6);
                acc7 = TRows.MultiplyAdd(offset, TRows.Splat(sum4[3 * blocksPerRow]), acc7);
                sums++;
            }
        }

        TRows.Store(acc0, y);
        TRows.Store(acc1, y + stride);
        TRows.Store(acc2, y + (2 * stride));
        TRows.Store(acc3, y + (3 * stride));
        TRows.Store(acc4, y + (4 * stride));
        TRows.Store(acc5, y + (5 * stride));
        TRows.Store(acc6, y + (6 * stride));
        TRows.Store(acc7, y + (7 * stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(PanelArguments* a, Unpacked w, int row, int k, int length, float* y, long stride, bool sum)
    {
        int blocksPerRow = a->Inputs / TFormat.BlockLength, scalesPerRow = a->Inputs / 32, blocks = length / TFormat.BlockLength;
        sbyte* x0 = a->Quantized.Values + ((long)row * a->Inputs) + k;
        sbyte* x1 = x0 + a->Inputs, x2 = x1 + a->Inputs, x3 = x2 + a->Inputs;
        float* scales = a->Quantized.Scales + ((long)row * scalesPerRow) + (k / 32);
        int* starts = a->Starts + ((long)row * blocksPerRow) + (k / TFormat.BlockLength);
        float* sums = a->Sums + ((long)row * blocksPerRow) + (k / TFormat.BlockLength);
        TRows acc0 = sum ? TRows.Load(y) : TRows.Zero;
        TRows acc1 = sum ? TRows.Load(y + stride) : TRows.Zero;
        TRows acc2 = sum ? TRows.Load(y + (2 * stride)) : TRows.Zero;
        TRows acc3 = sum ? TRows.Load(y + (3 * stride)) : TRows.Zero;
        byte* bytes = w.Bytes;
        for (int b = 0; b < blocks; b++)
        {
            TDot dot0 = TDot.Start(starts[b]), dot1 = TDot.Start(starts[b + blocksPerRow]);
            TDot dot2 = TDot.Start(starts[b + (2 * blocksPerRow)]), dot3 = TDot.Start(starts[b + (3 * blocksPerRow)]);
            for (int i = 0; i < TFormat.BlockLength; i += 4)
            {
                TBytes v = TBytes.Load(bytes);
                dot0 = TDot.MultiplyAdd(dot0, v, x0 + i);
                dot1 = TDot.MultiplyAdd(dot1, v, x1 + i);
                dot2 = TDot.MultiplyAdd(dot2, v, x2 + i);
                dot3 = TDot.MultiplyAdd(dot3, v, x3 + i);
                bytes += 64;
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
                acc0 = TRows.MultiplyAdd(offset, TRows.Splat(sums[b]), acc0);
                acc1 = TRows.MultiplyAdd(offset, TRows.Splat(sums[b + blocksPerRow]), acc1);
                acc2 = TRows.MultiplyAdd(offset, TRows.Splat(sums[b + (2 * blocksPerRow)]), acc2);
                acc3 = TRows.MultiplyAdd(offset, TRows.Splat(sums[b + (3 * blocksPerRow)]), acc3);
            }

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(PanelArguments* a, Unpacked w, int row, int k, int length, float* y, bool sum)
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

    private struct Unpacked
    {
        public byte* Bytes;
        public float* Scales;
        public float* Offsets;
    }
}
