namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// A VP8 key frame (RFC 6386): prediction and residue macroblock by macroblock; each finished row of macroblocks goes on to the loop filter.
/// </summary>
internal sealed class LossyDecoder
{
    private const int Side = LossyFrame.Side, ChromaSide = LossyFrame.ChromaSide;

    private readonly LossyHeader _header;
    private readonly int _across;
    private readonly Quantizers[] _quantizers;
    private readonly FilterStrength[] _filters;
    private readonly LossyPlane _luma, _blue, _red;

    private LossyDecoder(LossyHeader header, int across)
    {
        (_header, _across) = (header, across);
        _quantizers = Quantizers.Create(header);
        _filters = new FilterStrength[across];
        _luma = new LossyPlane(across * Side, Side);
        _blue = new LossyPlane(across * ChromaSide, ChromaSide);
        _red = new LossyPlane(across * ChromaSide, ChromaSide);
    }

    /// <summary>Decodes a VP8 chunk to opaque RGBA pixels.</summary>
    /// <param name="chunk">The chunk; may be cut short.</param>
    /// <param name="width">Pixels of a row, from its header.</param>
    /// <param name="height">Rows, from its header.</param>
    /// <param name="acceptTruncated">Keeps what was read before the data ended; macroblocks behind its end are grey.</param>
    /// <param name="receive">Given the rows from the top down.</param>
    /// <returns>Whether all macroblocks were there.</returns>
    public static bool Decode(ReadOnlySpan<byte> chunk, int width, int height, bool acceptTruncated, WebPRow receive)
    {
        ReadOnlyMemory<byte> data = chunk.ToArray();
        int firstLength = LossyHeader.ReadTag(chunk).FirstPartition;
        ReadOnlyMemory<byte> rest = data[LossyHeader.UncompressedBytes..];
        var first = new BoolDecoder(rest[..Math.Min(firstLength, rest.Length)]);
        var header = LossyHeader.Read(first);
        if (first.IsOverrun || firstLength >= rest.Length)
            throw new ImageFormatException("WebP: the lossy data ends within its first partition");

        BoolDecoder[] partitions = SplitPartitions(rest[firstLength..], header.Partitions);
        var frame = new LossyFrame(width, height, header.IsSimpleFilter, receive);
        return new LossyDecoder(header, LossyFrame.Across(width)).Run(first, partitions, height, frame, acceptTruncated);
    }

    /// <summary>
    /// The sizes of all partitions but the last stand before them, three bytes each (9.5). A cut file has short or empty ones at its end.
    /// </summary>
    private static BoolDecoder[] SplitPartitions(ReadOnlyMemory<byte> data, int count)
    {
        ReadOnlySpan<byte> sizes = data.Span;
        int start = 3 * (count - 1);
        if (sizes.Length < start) throw new ImageFormatException("WebP: the lossy data ends before its partitions");
        var partitions = new BoolDecoder[count];
        for (int i = 0; i < count; i++)
        {
            int left = data.Length - start;
            int length = i == count - 1 ? left : Math.Min(left, sizes[3 * i] | sizes[3 * i + 1] << 8 | sizes[3 * i + 2] << 16);
            partitions[i] = new BoolDecoder(data.Slice(start, length));
            start += length;
        }

        return partitions;
    }

    private bool Run(BoolDecoder first, BoolDecoder[] partitions, int height, LossyFrame frame, bool acceptTruncated)
    {
        var modes = new MacroblockReader(first, _header, _across);
        var residues = new CoefficientReader(_header, _across);
        bool isComplete = true;
        for (int row = 0; row * Side < height; row++)
        {
            _luma.BeginRow(row);
            _blue.BeginRow(row);
            _red.BeginRow(row);
            Array.Clear(_filters);
            isComplete = isComplete && ReadRow(first, partitions[row & (partitions.Length - 1)], modes, residues);
            if (!isComplete && !acceptTruncated) throw new ImageFormatException("WebP: the lossy data ends early");
            frame.Take(row, _luma, _blue, _red, _header.FilterLevel == 0 ? [] : _filters);
        }

        return isComplete;
    }

    /// <summary>Returns whether the data sufficed.</summary>
    private bool ReadRow(BoolDecoder first, BoolDecoder bits, MacroblockReader modes, CoefficientReader residues)
    {
        Span<short> coefficients = stackalloc short[CoefficientReader.Blocks * CoefficientReader.BlockSize];
        modes.BeginRow();
        residues.BeginRow();
        for (int column = 0; column < _across; column++)
        {
            Macroblock macroblock = modes.Read(column);
            bool has = false;
            coefficients.Clear();
            if (macroblock.IsSkipped) residues.Skip(column, macroblock.HasSubblocks);
            else has = residues.Read(bits, column, macroblock.HasSubblocks, _quantizers[macroblock.Segment], coefficients);
            if (first.IsOverrun || bits.IsOverrun) return false;

            Reconstruct(macroblock, column, coefficients);
            _filters[column] = FilterStrength.Create(_header, macroblock, has);
        }

        return true;
    }

    private void Reconstruct(in Macroblock macroblock, int column, ReadOnlySpan<short> coefficients)
    {
        int x = column * Side;
        if (macroblock.HasSubblocks)
        {
            PredictSubblocks(macroblock, column, x, coefficients);
        }
        else
        {
            LossyPredictor.Square(_luma, x, Side, macroblock.LumaMode);
            for (int i = 0; i < CoefficientReader.LumaBlocks; i++) AddBlock(_luma, x + (i & 3) * 4, (i >> 2) * 4, i, coefficients);
        }

        x = column * ChromaSide;
        LossyPredictor.Square(_blue, x, ChromaSide, macroblock.ChromaMode);
        LossyPredictor.Square(_red, x, ChromaSide, macroblock.ChromaMode);
        for (int i = 0; i < 4; i++)
        {
            AddBlock(_blue, x + (i & 1) * 4, (i >> 1) * 4, CoefficientReader.LumaBlocks + i, coefficients);
            AddBlock(_red, x + (i & 1) * 4, (i >> 1) * 4, CoefficientReader.LumaBlocks + 4 + i, coefficients);
        }
    }

    /// <summary>
    /// Each subblock needs its neighbours finished. On the right side of the macroblock, what lies above and to the right comes for all
    /// four rows from the macroblock row above: it is all there is.
    /// </summary>
    private void PredictSubblocks(in Macroblock macroblock, int column, int x, ReadOnlySpan<short> coefficients)
    {
        Span<byte> outside = stackalloc byte[4];
        int above = _luma.Offset(x + Side, -1);
        if (_luma.HasAbove && column == _across - 1) outside.Fill(_luma.Pixels[above - 1]);
        else _luma.Pixels.AsSpan(above, 4).CopyTo(outside);

        Span<byte> aboveRight = stackalloc byte[4];
        for (int i = 0; i < CoefficientReader.LumaBlocks; i++)
        {
            (int left, int top) = (x + (i & 3) * 4, (i >> 2) * 4);
            if ((i & 3) == 3) outside.CopyTo(aboveRight);
            else _luma.Pixels.AsSpan(_luma.Offset(left + 4, top - 1), 4).CopyTo(aboveRight);
            LossyPredictor.Subblock(_luma, left, top, macroblock.Subblocks[i], aboveRight);
            AddBlock(_luma, left, top, i, coefficients);
        }
    }

    private static void AddBlock(LossyPlane plane, int x, int y, int block, ReadOnlySpan<short> coefficients)
    {
        ReadOnlySpan<short> own = coefficients.Slice(block * CoefficientReader.BlockSize, CoefficientReader.BlockSize);
        if (own.ContainsAnyExcept((short)0)) InverseTransform.AddCosine(own, plane.Pixels.AsSpan(plane.Offset(x, y)), plane.Stride);
    }
}
