using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// The product of quantised activations with panels of quantised weights; <see cref="QuantizedTile{TFormat, TDot, TBytes, TFloats}"/> has the formula and the pictures.
/// </summary>
/// <remarks>
/// <para>
/// Few rows (generation): each row streams over the packed panel once; bytes are unpacked in registers, nothing is written but y. The memory bus sets the pace.
/// </para>
/// <para>
/// Many rows (prompts, pictures): panels are unpacked once to plain bytes and float scales in scratch (16 × k bytes, mostly within L1), then
/// <see cref="QuantizedTile{TFormat, TDot, TBytes, TFloats}"/> goes over all rows. The float step comes once per block.
/// </para>
/// </remarks>
/// <typeparam name="TFormat">How weights lie in a panel.</typeparam>
/// <typeparam name="TUnit">How one row goes over a unit.</typeparam>
/// <typeparam name="TDot">16 integer sums: the instruction set's leaf.</typeparam>
/// <typeparam name="TBytes">A quad of 16 outputs.</typeparam>
/// <typeparam name="TFloats">16 floats.</typeparam>
internal static unsafe class QuantizedPanelProduct<TFormat, TUnit, TDot, TBytes, TFloats>
    where TFormat : struct, IPanelFormat
    where TUnit : struct, IUnitProduct
    where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFloats : unmanaged, IFloatLanes<TFloats>
{
    /// <summary>Largest number of k that is unpacked at a time, over the panels of a tile: 16 · 2048 bytes leave room in L1 for the activations.</summary>
    private const int MaxUnpacked = 2048;

    /// <summary>Computes panels <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    [SkipLocalsInit]
    public static void Run(PanelArguments* a, int first, int count)
    {
        float* copy = stackalloc float[PanelOutput<TFloats>.MaxRows * Panel.Outputs];
        if (a->Rows < Panel.ManyRows)
        {
            for (int p = first; p < first + count; p++) FewRows(a, p, copy);
            return;
        }

        // Scratch for MaxUnpacked k of one panel, or half as many of two.
        byte* memory = stackalloc byte[ScratchBytes(Math.Min(a->Inputs * TDot.Tile.Panels, MaxUnpacked)) + Panel.Alignment];
        byte* scratch = Align(memory);
        int panels;
        for (int p = first; p < first + count; p += panels)
        {
            // A partly empty panel goes through a copy of its tile, which is one panel wide.
            panels = TDot.Tile.Panels == 2 && p + 1 < first + count && Panel.Outputs * (p + 2) <= a->Outputs ? 2 : 1;
            if (TDot.Tile.Panels == 2 && panels == 2) ManyRows<DotPair<TDot, TBytes, TFloats>, BytePair<TBytes>, FloatPair<TFloats>>(a, p, scratch, copy);
            else ManyRows<TDot, TBytes, TFloats>(a, p, scratch, copy);
        }
    }

    /// <summary><see cref="Run"/> with tiles over the two planes of 8-bit weights; <typeparamref name="TPlane"/> are the sums of one.</summary>
    [SkipLocalsInit]
    public static void RunPlanes<TPlane>(PanelArguments* a, int first, int count)
        where TPlane : unmanaged, IDotLanes<TPlane, TBytes, TFloats>
    {
        float* copy = stackalloc float[PanelOutput<TFloats>.MaxRows * Panel.Outputs];
        byte* memory = stackalloc byte[ScratchBytes(MaxUnpacked) + Panel.Alignment];
        byte* scratch = Align(memory);
        for (int p = first; p < first + count; p++)
        {
            if (a->Rows < Panel.ManyRows) FewRows(a, p, copy);
            else ManyRows<PlanePair<TPlane, TBytes, TFloats>, BytePair<TBytes>, TFloats>(a, p, scratch, copy);
        }
    }

    /// <summary>Bytes, scales and offsets of <paramref name="length"/> k of a panel.</summary>
    private static int ScratchBytes(int length) => (length * Panel.Outputs) + (2 * Panel.Outputs * sizeof(float) * (length / TFormat.BlockLength));

    private static byte* Align(byte* memory) => (byte*)(((nint)memory + Panel.Alignment - 1) & -Panel.Alignment);

    private static void FewRows(PanelArguments* a, int panel, float* copy)
    {
        var output = new PanelOutput<TFloats>(a, panel, copy);
        for (int row = 0; row < a->Rows; row++)
        {
            bool accumulate = output.Begin(row, 1, 0, out float* y);
            SingleRow(a, a->Weights + (panel * a->PanelBytes), row, y, accumulate);
            output.End(row, 1);
        }
    }

    /// <summary>One row straight from the packed panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleRow(PanelArguments* a, byte* unit, int row, float* y, bool accumulate)
    {
        int units = a->Inputs / TFormat.UnitLength, blocksPerUnit = TFormat.UnitLength / TFormat.BlockLength, partsPerUnit = TFormat.UnitLength / Panel.Part;
        sbyte* x = a->Quantized.Values + ((long)row * a->Inputs);
        float* xScales = a->Quantized.Scales + ((long)row * units * partsPerUnit);
        int* compensations = a->Compensations + ((long)row * units * blocksPerUnit);
        float* scaledSums = a->ScaledSums + ((long)row * units * blocksPerUnit);
        TFloats sum = accumulate ? TFloats.Load(y) : TFloats.Zero;
        for (int u = 0; u < units; u++)
        {
            CacheHint.Stream(unit, TFormat.UnitBytes);
            sum = TUnit.MultiplyAdd<TDot, TBytes, TFloats>(sum, unit, x, xScales, compensations, scaledSums);
            unit += TFormat.UnitBytes;
            x += TFormat.UnitLength;
            xScales += partsPerUnit;
            compensations += blocksPerUnit;
            if (TFormat.HasOffset) scaledSums += blocksPerUnit;
        }

        TFloats.Store(sum, y);
    }

    /// <summary>All rows against one panel or two: <typeparamref name="TColumns"/> are the floats of their outputs.</summary>
    private static void ManyRows<TSums, TQuad, TColumns>(PanelArguments* a, int panel, byte* scratch, float* copy)
        where TSums : unmanaged, IDotLanes<TSums, TQuad, TColumns>
        where TQuad : unmanaged, IByteLanes<TQuad>
        where TColumns : unmanaged, IFloatLanes<TColumns>
    {
        // Each k takes the bytes of two panels, or of two planes of one.
        int panels = TColumns.Count / Panel.Outputs, planes = TQuad.Count / (panels * Panel.QuadBytes);
        int longest = Math.Min(a->Inputs, MaxUnpacked / (panels * planes));
        byte* scales = scratch + (longest * TQuad.Count / Panel.Quad), offsets = scales + (longest / TFormat.BlockLength * TColumns.Count * sizeof(float));
        var unpacked = new UnpackedPanels { Bytes = scratch, Scales = (float*)scales, Offsets = (float*)offsets };
        var output = new PanelOutput<TColumns>(a, panel, copy);
        for (int k = 0; k < a->Inputs; k += longest)
        {
            int length = Math.Min(a->Inputs - k, longest);
            for (int i = 0; i < panels; i++)
                Unpack(a->Weights + ((panel + i) * a->PanelBytes) + (k / TFormat.UnitLength * TFormat.UnitBytes), length, unpacked, i, panels, planes);

            // The largest tile first; single rows take what remains.
            int row = 0;
            if (TSums.Tile.Rows == 8)
            {
                row = Tiles<RowPair<RowPair<RowPair<OneRow<TSums, TQuad, TColumns>, TSums, TQuad, TColumns>, TSums, TQuad, TColumns>, TSums, TQuad, TColumns>,
                    TSums, TQuad, TColumns>(a, unpacked, row, k, length, output);
            }

            if (TSums.Tile.Rows >= 4)
            {
                row = Tiles<RowPair<RowPair<OneRow<TSums, TQuad, TColumns>, TSums, TQuad, TColumns>, TSums, TQuad, TColumns>,
                    TSums, TQuad, TColumns>(a, unpacked, row, k, length, output);
            }

            if (TSums.Tile.Rows == 2) row = Tiles<RowPair<OneRow<TSums, TQuad, TColumns>, TSums, TQuad, TColumns>, TSums, TQuad, TColumns>(a, unpacked, row, k, length, output);
            Tiles<OneRow<TSums, TQuad, TColumns>, TSums, TQuad, TColumns>(a, unpacked, row, k, length, output);
        }
    }

    /// <summary>Goes over all whole tiles from <paramref name="row"/> on; returns the row behind them.</summary>
    private static int Tiles<TRows, TSums, TQuad, TColumns>(PanelArguments* a, UnpackedPanels w, int row, int k, int length, PanelOutput<TColumns> output)
        where TRows : unmanaged, ITileRows<TRows, TSums, TQuad, TColumns>
        where TSums : unmanaged, IDotLanes<TSums, TQuad, TColumns>
        where TQuad : unmanaged, IByteLanes<TQuad>
        where TColumns : unmanaged, IFloatLanes<TColumns>
    {
        for (; row <= a->Rows - TRows.Count; row += TRows.Count)
        {
            bool accumulate = output.Begin(row, TRows.Count, k, out float* y);
            QuantizedTile<TFormat, TSums, TQuad, TColumns>.Multiply<TRows>(a, w, row, k, length, y, output.Stride, accumulate);
            output.End(row, TRows.Count);
        }

        return row;
    }

    /// <summary>Writes plain bytes and float scales of <paramref name="length"/> k of panel <paramref name="panel"/> of <paramref name="panels"/>.</summary>
    private static void Unpack(byte* unit, int length, UnpackedPanels target, int panel, int panels, int planes)
    {
        byte* bytes = target.Bytes + (panel * Panel.QuadBytes);
        if (planes == 2) UnpackPlanes(unit, length, bytes);
        else if (TFormat.BlockLength == Panel.HalfPart) UnpackByQuad(unit, length, bytes, panels * Panel.QuadBytes);
        else UnpackByPart(unit, length, bytes, panels * Panel.QuadBytes);
        UnpackScales(unit, length, target.Scales + (panel * Panel.Outputs), target.Offsets + (panel * Panel.Outputs), panels * Panel.Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackByPart(byte* unit, int length, byte* bytes, long stride)
    {
        for (int k = 0; k < length; k += TFormat.UnitLength, unit += TFormat.UnitBytes)
        {
            for (int part = 0; part < TFormat.UnitLength / Panel.Part; part++)
            {
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 0)), bytes);
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 1)), bytes + stride);
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 2)), bytes + (2 * stride));
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 3)), bytes + (3 * stride));
                bytes += 4 * stride;
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 4)), bytes);
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 5)), bytes + stride);
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 6)), bytes + (2 * stride));
                TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, 7)), bytes + (3 * stride));
                bytes += 4 * stride;
            }
        }
    }

    /// <summary>
    /// The formats with blocks of 16 take too many steps per quad to stand in the code eight times: beyond 512 local variables the JIT calls the leaves instead of inlining them. A method of
    /// its own, because both branches of an if count.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackByQuad(byte* unit, int length, byte* bytes, long stride)
    {
        for (int k = 0; k < length; k += TFormat.UnitLength, unit += TFormat.UnitBytes)
        {
                for (int part = 0; part < TFormat.UnitLength / Panel.Part; part++)
                    for (int quad = 0; quad < Panel.PartQuads; quad++, bytes += stride) TBytes.Store(TDot.Prepare(TFormat.Quad<TBytes>(unit, part, quad)), bytes);
        }
    }

    /// <summary>Quad after quad, the low half of each weight and then the high one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackPlanes(byte* unit, int length, byte* bytes)
    {
        for (int k = 0; k < length; k += TFormat.UnitLength, unit += TFormat.UnitBytes)
        {
            for (int part = 0; part < TFormat.UnitLength / Panel.Part; part++)
            {
                for (int quad = 0; quad < Panel.PartQuads; quad++, bytes += 2 * Panel.QuadBytes)
                    BytePair<TBytes>.Store(PlanePair<TDot, TBytes, TFloats>.Split(TFormat.Quad<TBytes>(unit, part, quad)), bytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackScales(byte* unit, int length, float* scales, float* offsets, long stride)
    {
        for (int k = 0; k < length; k += TFormat.UnitLength, unit += TFormat.UnitBytes)
        {
            for (int block = 0; block < TFormat.UnitLength / TFormat.BlockLength; block++, scales += stride, offsets += stride)
            {
                TFloats.Store(TFormat.Scale<TFloats>(unit, block), scales);
                if (TFormat.HasOffset) TFloats.Store(TFormat.Offset<TFloats>(unit, block), offsets);
            }
        }
    }
}
