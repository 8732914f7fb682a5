using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// Progressive Huffman coding (T.81, G.1.2 and G.2): a scan brings the DC value or a band of AC coefficients down to bit Al, or one more
/// bit of them. An end-of-band run spares the code for blocks with nothing (more) in the band.
/// </summary>
internal ref struct HuffmanProgressive(JpegScan scan) : IBlockDecoder
{
    private readonly int _start = scan.SpectralStart, _end = scan.SpectralEnd, _low = scan.ApproximationLow;
    private readonly bool _isDc = scan.IsDc, _isRefinement = scan.IsRefinement;
    private BitReader _reader;
    private int _endOfBandRun;

    public readonly int Position => _reader.Position;

    public readonly bool IsOverrun => _reader.IsOverrun;

    public void Begin(ReadOnlySpan<byte> file, int position)
    {
        _reader = new BitReader(file, position);
        _endOfBandRun = 0;
    }

    public int DecodeBlock(ScanComponent component, scoped Span<short> block)
    {
        if (_isDc)
        {
            if (_isRefinement)
            {
                block[0] |= (short)(_reader.TakeBit() << _low);
            }
            else
            {
                component.DcPrediction += HuffmanSequential.DecodeDifference(ref _reader, component.DcHuffman!);
                block[0] = (short)(component.DcPrediction << _low);
            }
        }
        else if (_isRefinement)
        {
            RefineBand(component.AcHuffman!, block);
        }
        else
        {
            FirstOfBand(component.AcHuffman!, block);
        }

        return _end;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FirstOfBand(HuffmanTable table, scoped Span<short> block)
    {
        if (_endOfBandRun > 0)
        {
            _endOfBandRun--;
            return;
        }

        for (int k = _start; k <= _end; k++)
        {
            _reader.Refill();
            int symbol = table.Decode(ref _reader);
            (int run, int size) = (symbol >> 4, symbol & 15);
            if (size == 0 && run < 15)
            {
                _endOfBandRun = TakeEndOfBandRun(run) - 1;
                return;
            }

            k += run;
            if (size == 0) continue;
            block[ZigZag.NaturalOrder[k]] = (short)(_reader.TakeValue(size) << _low);
        }
    }

    /// <summary>
    /// Figure G.7: each coefficient that is already non-zero gets a correction bit as it is passed; runs count only those still zero, and
    /// end at a place where a new ±1 may be set.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RefineBand(HuffmanTable table, scoped Span<short> block)
    {
        int k = _start;
        while (_endOfBandRun == 0 && k <= _end)
        {
            _reader.Refill();
            int symbol = table.Decode(ref _reader);
            (int run, int size) = (symbol >> 4, symbol & 15);
            if (size == 0 && run < 15)
            {
                _endOfBandRun = TakeEndOfBandRun(run);
                break;
            }

            if (size > 1) throw new ImageFormatException($"JPEG: a refinement of {size} bits");
            int fresh = size == 0 ? 0 : _reader.TakeBit() == 1 ? 1 << _low : -1 << _low;
            k = RefineThrough(block, k, run);
            if (fresh == 0) continue;
            block[ZigZag.NaturalOrder[k - 1]] = (short)fresh;
        }

        if (_endOfBandRun == 0) return;
        RefineThrough(block, k, int.MaxValue);
        _endOfBandRun--;
    }

    /// <summary>
    /// Corrects non-zero coefficients from <paramref name="k"/> on and steps over <paramref name="zeros"/> zeros and the zero after them.
    /// Returns the index behind that; beyond the band's end + 1 if there is no such place.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RefineThrough(scoped Span<short> block, int k, int zeros)
    {
        for (; k <= _end; k++)
        {
            ref short coefficient = ref block[ZigZag.NaturalOrder[k]];
            if (coefficient == 0)
            {
                if (zeros-- == 0) return k + 1;
            }
            else if (_reader.TakeBit() == 1 && (Math.Abs((int)coefficient) & 1 << _low) == 0)
            {
                coefficient += (short)(coefficient > 0 ? 1 << _low : -1 << _low);
            }
        }

        return _end + 2;
    }

    /// <summary>EOBn: 2ⁿ plus n bits blocks, this one included (T.81, table G.1).</summary>
    private int TakeEndOfBandRun(int category)
    {
        if (category == 0) return 1;
        _reader.Refill();
        return (1 << category) + _reader.Take(category);
    }
}
