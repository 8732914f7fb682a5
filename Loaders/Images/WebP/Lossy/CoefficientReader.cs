namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// Reads a macroblock's coefficients (RFC 6386, 13), already multiplied by their quantiser steps. Whether the blocks above and to the left
/// had any is part of the context, kept for four luma columns, two of each chroma plane and the block of luma DC values.
/// </summary>
internal sealed class CoefficientReader(LossyHeader header, int macroblocksAcross)
{
    public const int BlockSize = 16, LumaBlocks = 16, ChromaBlocks = 8, Blocks = LumaBlocks + ChromaBlocks;

    private const int LumaAfterDc = 0, LumaDc = 1, Chroma = 2, WholeLuma = 3;
    private const int FlagsPerMacroblock = 9, FirstChromaFlag = 4, DcFlag = 8;

    private readonly bool[] _above = new bool[FlagsPerMacroblock * macroblocksAcross];
    private readonly bool[] _left = new bool[FlagsPerMacroblock];

    private static ReadOnlySpan<byte> ZigZag => [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

    private static ReadOnlySpan<byte> Band => [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0];

    public void BeginRow() => Array.Clear(_left);

    /// <summary>Notes that a macroblock has no coefficients; one without a DC block says nothing about those.</summary>
    public void Skip(int column, bool hasSubblocks)
    {
        Span<bool> above = Above(column), left = _left;
        int count = hasSubblocks ? DcFlag : FlagsPerMacroblock;
        above[..count].Clear();
        left[..count].Clear();
    }

    /// <summary>Reads a macroblock.</summary>
    /// <param name="bits">The row's partition.</param>
    /// <param name="column">Macroblock column.</param>
    /// <param name="hasSubblocks">Luma blocks carry their own DC; else a block of them comes first.</param>
    /// <param name="steps">The segment's quantisers.</param>
    /// <param name="coefficients">24 blocks of 16: luma, then both chroma planes; zeros before.</param>
    /// <returns>Whether anything is not zero.</returns>
    public bool Read(BoolDecoder bits, int column, bool hasSubblocks, Quantizers steps, Span<short> coefficients)
    {
        Span<bool> above = Above(column), left = _left;
        bool any = false;
        int first = 0, type = WholeLuma;
        if (!hasSubblocks)
        {
            Span<short> dc = stackalloc short[BlockSize];
            dc.Clear();
            int end = ReadBlock(bits, LumaDc, Count(above[DcFlag], left[DcFlag]), steps.Second, 0, dc);
            above[DcFlag] = left[DcFlag] = end > 0;
            if (end > 0) InverseTransform.WalshHadamard(dc, coefficients);
            (first, type) = (1, LumaAfterDc);
        }

        for (int i = 0; i < LumaBlocks; i++)
        {
            Span<short> block = coefficients.Slice(i * BlockSize, BlockSize);
            int end = ReadBlock(bits, type, Count(above[i & 3], left[i >> 2]), steps.Luma, first, block);
            above[i & 3] = left[i >> 2] = end > first;
            any |= end > first || block[0] != 0;
        }

        for (int i = 0; i < ChromaBlocks; i++)
        {
            int flags = FirstChromaFlag + (i >> 2) * 2, x = flags + (i & 1), y = flags + (i >> 1 & 1);
            Span<short> block = coefficients.Slice((LumaBlocks + i) * BlockSize, BlockSize);
            bool has = ReadBlock(bits, Chroma, Count(above[x], left[y]), steps.Chroma, 0, block) > 0;
            above[x] = left[y] = has;
            any |= has;
        }

        return any;
    }

    /// <summary>Reads the tokens of a block; returns the position behind the last one.</summary>
    private int ReadBlock(BoolDecoder bits, int type, int context, QuantizerPair steps, int first, Span<short> block)
    {
        ReadOnlySpan<byte> all = header.Coefficients;
        ReadOnlySpan<byte> nodes = Nodes(all, type, first, context);
        for (int n = first; n < BlockSize; n++)
        {
            if (!bits.Read(nodes[0])) return n;
            while (!bits.Read(nodes[1]))
            {
                // After a zero the block cannot end.
                if (++n == BlockSize) return BlockSize;
                nodes = Nodes(all, type, n, 0);
            }

            int value = bits.Read(nodes[2]) ? ReadLarge(bits, nodes) : 1;
            nodes = Nodes(all, type, n + 1, value > 1 ? 2 : 1);
            block[ZigZag[n]] = (short)((bits.ReadFlag() ? -value : value) * (n == 0 ? steps.Dc : steps.Ac));
        }

        return BlockSize;
    }

    /// <summary>The token tree from "two or more" on, and the extra bits of the categories (13.2).</summary>
    private static int ReadLarge(BoolDecoder bits, ReadOnlySpan<byte> nodes)
    {
        if (!bits.Read(nodes[3])) return !bits.Read(nodes[4]) ? 2 : bits.Read(nodes[5]) ? 4 : 3;
        if (!bits.Read(nodes[6])) return !bits.Read(nodes[7]) ? ReadExtra(bits, 5, [159]) : ReadExtra(bits, 7, [165, 145]);
        if (!bits.Read(nodes[8]))
            return !bits.Read(nodes[9]) ? ReadExtra(bits, 11, [173, 148, 140]) : ReadExtra(bits, 19, [176, 155, 140, 135]);
        return !bits.Read(nodes[10])
            ? ReadExtra(bits, 35, [180, 157, 141, 134, 130])
            : ReadExtra(bits, 67, [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129]);
    }

    private static int ReadExtra(BoolDecoder bits, int first, ReadOnlySpan<byte> probabilities)
    {
        int extra = 0;
        foreach (byte probability in probabilities) extra = extra << 1 | (bits.Read(probability) ? 1 : 0);
        return first + extra;
    }

    private static ReadOnlySpan<byte> Nodes(ReadOnlySpan<byte> all, int type, int position, int context) =>
        all.Slice(CoefficientProbabilities.Index(type, Band[position], context), CoefficientProbabilities.Nodes);

    private static int Count(bool above, bool left) => (above ? 1 : 0) + (left ? 1 : 0);

    private Span<bool> Above(int column) => _above.AsSpan(column * FlagsPerMacroblock, FlagsPerMacroblock);
}
