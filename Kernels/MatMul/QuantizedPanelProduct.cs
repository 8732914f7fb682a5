using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// y[r, o] = Σ_block (Σ_k (q[o, k] − zero)·x[r, k])·dw·dx + offset[o]·Σx: the product of quantised activations with a panel of 16 weight rows.
/// </summary>
/// <remarks>
/// <para>Few rows (generation): each row streams over the packed panel once; bytes are unpacked in registers, nothing is written but y. The memory bus sets the pace.</para>
/// <para>
/// Many rows (prompts, pictures): panels are unpacked once to plain bytes and float scales in scratch (16 × k bytes, mostly within L1), then <see cref="QuantizedTile{TFormat, TDot, TBytes, TRows}"/>
/// goes over all rows. The float step comes once per block.
/// </para>
/// </remarks>
internal static unsafe class QuantizedPanelProduct<TFormat, TDot, TBytes, TRows>
    where TFormat : struct, IPanelFormat
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>Largest number of k that is unpacked at a time, over the panels of a tile: 16 · 2048 bytes leave room in L1 for the activations.</summary>
    private const int MaxUnpacked = 2048;

    /// <summary>Computes panels <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    public static void Run(PanelArguments* a, int first, int count)
    {
        if (a->Rows < 4) FewRows(a, first, count);
        else ManyRows(a, first, count);
    }

    [SkipLocalsInit]
    private static void FewRows(PanelArguments* a, int first, int count)
    {
        float* copy = stackalloc float[PanelOutput.MaxRows * 16];
        for (int p = first; p < first + count; p++)
        {
            var output = new PanelOutput(a, p, copy);
            byte* panel = a->Weights + (p * a->PanelBytes);
            for (int row = 0; row < a->Rows; row++)
            {
                bool sum = output.Begin(row, 1, 0, out float* y);
                if (typeof(TFormat) == typeof(PanelQ6_K)) SixBitRow<TDot, TBytes, TRows>.Multiply(a, panel, row, y, sum);
                else if (TFormat.BlockLength == 32) SingleRow32(a, panel, row, y, sum);
                else SingleRow16(a, panel, row, y, sum);
                output.End(row, 1);
            }
        }
    }

    [SkipLocalsInit]
    private static void ManyRows(PanelArguments* a, int first, int count)
    {
        int longest = Math.Min(a->Inputs, MaxUnpacked / TDot.TilePanels), end = first + count;
        long panelBytes = 16L * longest, scaleBytes = 64L * (longest / TFormat.BlockLength);
        byte* memory = stackalloc byte[(int)(TDot.TilePanels * (panelBytes + (2 * scaleBytes))) + 64];
        float* copy = stackalloc float[PanelOutput.MaxRows * 16];
        UnpackedPanel* unpacked = stackalloc UnpackedPanel[2];
        byte* next = (byte*)(((nint)memory + 63) & -64);
        for (int i = 0; i < TDot.TilePanels; i++, next += panelBytes + (2 * scaleBytes))
            unpacked[i] = new UnpackedPanel { Bytes = next, Scales = (float*)(next + panelBytes), Offsets = (float*)(next + panelBytes + scaleBytes) };

        int panels;
        for (int p = first; p < end; p += panels)
        {
            // A partly empty panel goes through a copy of its tile, which is one panel wide.
            panels = TDot.TilePanels == 2 && p + 1 < end && (16 * p) + 32 <= a->Outputs ? 2 : 1;
            for (int k = 0; k < a->Inputs; k += longest)
            {
                int length = Math.Min(a->Inputs - k, longest);
                for (int i = 0; i < panels; i++)
                    Unpack(a->Weights + ((p + i) * a->PanelBytes) + (k / TFormat.UnitLength * TFormat.UnitBytes), length, unpacked[i]);
                Rows(a, p, panels, k, length, unpacked, copy);
            }
        }
    }

    /// <summary>All rows against the unpacked k of one or two panels.</summary>
    private static void Rows(PanelArguments* a, int panel, int panels, int k, int length, UnpackedPanel* unpacked, float* copy)
    {
        PanelOutput output = new(a, panel, copy), right = new(a, panel + panels - 1, copy);
        int row = 0;
        for (; row <= a->Rows - 4; row += 4)
        {
            bool sum = output.Begin(row, 4, k, out float* y);
            if (TDot.TilePanels == 2 && panels == 2)
            {
                right.Begin(row, 4, k, out _);
                QuantizedTile<TFormat, TDot, TBytes, TRows>.FourByTwo(a, unpacked[0], unpacked[1], row, k, length, y, output.Stride, sum);
            }
            else
            {
                QuantizedTile<TFormat, TDot, TBytes, TRows>.FourByOne(a, unpacked[0], row, k, length, y, output.Stride, sum);
                output.End(row, 4);
            }
        }

        for (; row < a->Rows; row++)
        {
            for (int i = 0; i < panels; i++)
            {
                var one = i == 0 ? output : right;
                bool sum = one.Begin(row, 1, k, out float* y);
                QuantizedTile<TFormat, TDot, TBytes, TRows>.OneByOne(a, unpacked[i], row, k, length, y, sum);
                one.End(row, 1);
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
            CacheHint.Stream(unit, TFormat.UnitBytes);
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
            CacheHint.Stream(unit, TFormat.UnitBytes);
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
    private static void Unpack(byte* unit, int length, UnpackedPanel target)
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
}
