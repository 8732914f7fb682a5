namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// A VP8 key frame (RFC 6386): prediction and residue macroblock by macroblock, then the loop filter over the whole frame.
/// </summary>
internal sealed class LossyDecoder
{
    private const int Side = 16, ChromaSide = 8;

    private readonly LossyHeader _header;
    private readonly int _across, _down;
    private readonly Quantizers[] _quantizers;
    private readonly FilterStrength[] _filters;
    private readonly LossyPlane _luma, _blue, _red;

    private LossyDecoder(LossyHeader header, int across, int down)
    {
        (_header, _across, _down) = (header, across, down);
        _quantizers = Quantizers.Create(header);
        _filters = new FilterStrength[across * down];
        _luma = new LossyPlane(across * Side, down * Side);
        _blue = new LossyPlane(across * ChromaSide, down * ChromaSide);
        _red = new LossyPlane(across * ChromaSide, down * ChromaSide);
    }

    /// <summary>Decodes a VP8 chunk to opaque RGBA pixels.</summary>
    /// <param name="chunk">The chunk; may be cut short.</param>
    /// <param name="width">Pixels of a row, from its header.</param>
    /// <param name="height">Rows, from its header.</param>
    /// <param name="acceptTruncated">Keeps what was read before the data ended.</param>
    /// <param name="isComplete">Whether all macroblocks were there.</param>
    public static byte[] Decode(ReadOnlySpan<byte> chunk, int width, int height, bool acceptTruncated, out bool isComplete)
    {
        ReadOnlyMemory<byte> data = chunk.ToArray();
        int firstLength = LossyHeader.ReadTag(chunk).FirstPartition;
        ReadOnlyMemory<byte> rest = data[LossyHeader.UncompressedBytes..];
        var first = new BoolDecoder(rest[..Math.Min(firstLength, rest.Length)]);
        LossyHeader header = LossyHeader.Read(first);
        if (first.IsOverrun || firstLength >= rest.Length)
            throw new ImageFormatException("WebP: the lossy data ends within its first partition");

        BoolDecoder[] partitions = SplitPartitions(rest[firstLength..], header.Partitions);
        var decoder = new LossyDecoder(header, (width + Side - 1) / Side, (height + Side - 1) / Side);
        isComplete = decoder.ReadMacroblocks(first, partitions);
        if (!isComplete && !acceptTruncated) throw new ImageFormatException("WebP: the lossy data ends early");

        decoder.Filter();
        var pixels = new byte[width * height * RgbaImage.BytesPerPixel];
        LossyColour.Convert(decoder._luma, decoder._blue, decoder._red, width, height, pixels);
        return pixels;
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

    /// <summary>Returns whether the data sufficed; macroblocks behind its end stay grey.</summary>
    private bool ReadMacroblocks(BoolDecoder first, BoolDecoder[] partitions)
    {
        var modes = new MacroblockReader(first, _header, _across);
        var residues = new CoefficientReader(_header, _across);
        Span<short> coefficients = stackalloc short[CoefficientReader.Blocks * CoefficientReader.BlockSize];
        for (int row = 0; row < _down; row++)
        {
            modes.BeginRow();
            residues.BeginRow();
            BoolDecoder bits = partitions[row & (partitions.Length - 1)];
            for (int column = 0; column < _across; column++)
            {
                Macroblock macroblock = modes.Read(column);
                bool has = false;
                coefficients.Clear();
                if (macroblock.IsSkipped) residues.Skip(column, macroblock.HasSubblocks);
                else has = residues.Read(bits, column, macroblock.HasSubblocks, _quantizers[macroblock.Segment], coefficients);
                if (first.IsOverrun || bits.IsOverrun) return false;

                Reconstruct(macroblock, column, row, coefficients);
                _filters[row * _across + column] = FilterStrength.Create(_header, macroblock, has);
            }
        }

        return true;
    }

    private void Reconstruct(in Macroblock macroblock, int column, int row, ReadOnlySpan<short> coefficients)
    {
        (int x, int y) = (column * Side, row * Side);
        if (macroblock.HasSubblocks)
        {
            PredictSubblocks(macroblock, column, x, y, coefficients);
        }
        else
        {
            LossyPredictor.Square(_luma, x, y, Side, macroblock.LumaMode);
            for (int i = 0; i < CoefficientReader.LumaBlocks; i++) AddBlock(_luma, x + (i & 3) * 4, y + (i >> 2) * 4, i, coefficients);
        }

        (x, y) = (column * ChromaSide, row * ChromaSide);
        LossyPredictor.Square(_blue, x, y, ChromaSide, macroblock.ChromaMode);
        LossyPredictor.Square(_red, x, y, ChromaSide, macroblock.ChromaMode);
        for (int i = 0; i < 4; i++)
        {
            AddBlock(_blue, x + (i & 1) * 4, y + (i >> 1) * 4, CoefficientReader.LumaBlocks + i, coefficients);
            AddBlock(_red, x + (i & 1) * 4, y + (i >> 1) * 4, CoefficientReader.LumaBlocks + 4 + i, coefficients);
        }
    }

    /// <summary>
    /// Each subblock needs its neighbours finished. On the right side of the macroblock, what lies above and to the right comes for all
    /// four rows from the macroblock row above: it is all there is.
    /// </summary>
    private void PredictSubblocks(in Macroblock macroblock, int column, int x, int y, ReadOnlySpan<short> coefficients)
    {
        Span<byte> outside = stackalloc byte[4];
        int above = _luma.Offset(x + Side, y - 1);
        if (y > 0 && column == _across - 1) outside.Fill(_luma.Pixels[above - 1]);
        else _luma.Pixels.AsSpan(above, 4).CopyTo(outside);

        Span<byte> aboveRight = stackalloc byte[4];
        for (int i = 0; i < CoefficientReader.LumaBlocks; i++)
        {
            (int left, int top) = (x + (i & 3) * 4, y + (i >> 2) * 4);
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

    private void Filter()
    {
        if (_header.FilterLevel == 0) return;
        for (int row = 0; row < _down; row++)
            for (int column = 0; column < _across; column++)
            {
                FilterStrength strength = _filters[row * _across + column];
                if (strength.Limit == 0) continue;
                LoopFilter.Macroblock(_luma, column * Side, row * Side, Side, strength, _header.IsSimpleFilter);
                if (_header.IsSimpleFilter) continue;
                LoopFilter.Macroblock(_blue, column * ChromaSide, row * ChromaSide, ChromaSide, strength, isSimple: false);
                LoopFilter.Macroblock(_red, column * ChromaSide, row * ChromaSide, ChromaSide, strength, isSimple: false);
            }
    }
}
