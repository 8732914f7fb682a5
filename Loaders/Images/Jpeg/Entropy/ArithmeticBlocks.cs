namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// Arithmetic coding of blocks, sequential (T.81, F.1.4 and F.2.4) and progressive (G.1.3). Each decision has a bin of statistics;
/// bins are chosen by the coefficient's index and by magnitudes seen before.
/// </summary>
internal ref struct ArithmeticBlocks : IBlockDecoder
{
    // Places in a DC table's bins (table F.4): five contexts of S0, SS, SP, SN; then X1…, and 14 above each the magnitude bits M….
    private const int DcBins = 64, ContextBins = 4, DcX1 = 20, MagnitudeBits = 14;

    // Places in an AC table's bins (table F.5): SE, S0, SP/SN of each index; then X2… for low and for high frequencies.
    private const int AcBins = 256, AcX2Low = 189, AcX2High = 217;

    /// <summary>Magnitudes of this many bits do not occur.</summary>
    private const int MagnitudeLimit = 0x8000;

    private readonly JpegScan _scan;
    private readonly ArithmeticConditioning _conditioning;
    private readonly byte[] _dcBins = new byte[4 * DcBins], _acBins = new byte[4 * AcBins];
    private readonly bool _isProgressive;
    private ArithmeticReader _reader;
    private byte _even;

    public ArithmeticBlocks(JpegScan scan, ArithmeticConditioning conditioning, bool isProgressive) =>
        (_scan, _conditioning, _isProgressive) = (scan, conditioning, isProgressive);

    public readonly int Position => _reader.Position;

    public readonly bool IsOverrun => _reader.IsOverrun;

    public void Begin(ReadOnlySpan<byte> file, int position)
    {
        Array.Clear(_dcBins);
        Array.Clear(_acBins);
        _even = ProbabilityState.Even;
        _reader = new ArithmeticReader(file, position);
    }

    public int DecodeBlock(ScanComponent component, scoped Span<short> block)
    {
        int low = _scan.ApproximationLow;
        if (_scan.IsRefinement)
        {
            if (!_scan.IsDc) RefineBand(component, block);
            else if (_reader.Decode(ref _even)) block[0] |= (short)(1 << low);
            return _scan.SpectralEnd;
        }

        if (_scan.IsDc)
        {
            component.DcPrediction += DecodeDifference(component);
            block[0] = (short)(component.DcPrediction << low);
        }

        if (!_scan.IsDc || !_isProgressive) DecodeBand(component, block);
        return _scan.SpectralEnd;
    }

    /// <summary>Figures F.19 to F.24 with the contexts of F.1.4.4.1: zero?, sign, size, lower bits.</summary>
    private int DecodeDifference(ScanComponent component)
    {
        Span<byte> bins = _dcBins.AsSpan(component.DcTable * DcBins, DcBins);
        int bin = component.DcContext * ContextBins;
        if (!_reader.Decode(ref bins[bin]))
        {
            component.DcContext = 0;
            return 0;
        }

        bool negative = _reader.Decode(ref bins[bin + 1]);
        bin += negative ? 3 : 2;
        int magnitude = 0;
        if (_reader.Decode(ref bins[bin]))
        {
            magnitude = 1;
            for (bin = DcX1; _reader.Decode(ref bins[bin]); bin++) magnitude = Double(magnitude);
        }

        (int lower, int upper) = (1 << _conditioning.DcLower[component.DcTable] >> 1, 1 << _conditioning.DcUpper[component.DcTable] >> 1);
        component.DcContext = magnitude < lower ? 0 : (magnitude > upper ? 3 : 1) + (negative ? 1 : 0);
        int value = LowerBits(ref bins[bin + MagnitudeBits], magnitude) + 1;
        return negative ? -value : value;
    }

    /// <summary>Figure F.20: until the end of the block, find the next non-zero coefficient and its value.</summary>
    private void DecodeBand(ScanComponent component, scoped Span<short> block)
    {
        Span<byte> bins = _acBins.AsSpan(component.AcTable * AcBins, AcBins);
        int split = _conditioning.AcSplit[component.AcTable];
        for (int k = Math.Max(1, _scan.SpectralStart); k <= _scan.SpectralEnd; k++)
        {
            if (_reader.Decode(ref bins[EndBin(k)])) return;
            while (!_reader.Decode(ref bins[EndBin(k) + 1])) k = Next(k);

            bool negative = _reader.Decode(ref _even);
            int bin = EndBin(k) + 2, magnitude = 0;
            if (_reader.Decode(ref bins[bin]))
            {
                magnitude = 1;
                if (_reader.Decode(ref bins[bin]))
                {
                    magnitude = 2;
                    for (bin = k <= split ? AcX2Low : AcX2High; _reader.Decode(ref bins[bin]); bin++) magnitude = Double(magnitude);
                }
            }

            int value = LowerBits(ref bins[bin + MagnitudeBits], magnitude) + 1;
            block[ZigZag.NaturalOrder[k]] = (short)((negative ? -value : value) << _scan.ApproximationLow);
        }
    }

    /// <summary>Figure G.10: the end-of-band decision is not coded before the last coefficient that is non-zero already.</summary>
    private void RefineBand(ScanComponent component, scoped Span<short> block)
    {
        Span<byte> bins = _acBins.AsSpan(component.AcTable * AcBins, AcBins);
        int step = 1 << _scan.ApproximationLow;
        int known = _scan.SpectralEnd;
        while (known > 0 && block[ZigZag.NaturalOrder[known]] == 0) known--;

        for (int k = _scan.SpectralStart; k <= _scan.SpectralEnd; k++)
        {
            if (k > known && _reader.Decode(ref bins[EndBin(k)])) return;
            while (true)
            {
                ref short coefficient = ref block[ZigZag.NaturalOrder[k]];
                if (coefficient != 0)
                {
                    if (_reader.Decode(ref bins[EndBin(k) + 2])) coefficient += (short)(coefficient < 0 ? -step : step);
                    break;
                }

                if (_reader.Decode(ref bins[EndBin(k) + 1]))
                {
                    coefficient = (short)(_reader.Decode(ref _even) ? -step : step);
                    break;
                }

                k = Next(k);
            }
        }
    }

    /// <summary>The bits below the leading one, most significant first, all from one bin (figure F.24).</summary>
    private int LowerBits(ref byte bin, int magnitude)
    {
        int value = magnitude;
        for (int bit = magnitude >> 1; bit > 0; bit >>= 1)
            if (_reader.Decode(ref bin)) value |= bit;
        return value;
    }

    private static int EndBin(int k) => 3 * (k - 1);

    private readonly int Next(int k) =>
        k < _scan.SpectralEnd ? k + 1 : throw new ImageFormatException("JPEG: a run of zeros leaves its band");

    private static int Double(int magnitude) =>
        magnitude < MagnitudeLimit / 2 ? magnitude * 2 : throw new ImageFormatException("JPEG: an arithmetic-coded magnitude is too large");
}
