namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>
/// One component of the frame (T.81, A.1 and A.2): its sampling, and the samples that its blocks are decoded to. They cover whole MCUs,
/// so they may be more than the component has. Usually only two rows of MCUs are held, in turns.
/// </summary>
internal sealed class JpegComponent
{
    public const int BlockSide = 8, BlockSize = 64;

    /// <summary>What a sample is before anything is known about it.</summary>
    private const byte Middle = 128;

    private int _rowsHeld;

    /// <summary>The identifier that scans use.</summary>
    public required byte Id { get; init; }

    /// <summary>Horizontal sampling factor, 1 to 4.</summary>
    public required int HorizontalFactor { get; init; }

    /// <summary>Vertical sampling factor, 1 to 4.</summary>
    public required int VerticalFactor { get; init; }

    /// <summary>Number of the quantisation table.</summary>
    public required int QuantizationSelector { get; init; }

    /// <summary>Samples of a row: ceil(X · H / Hmax).</summary>
    public int Width { get; private set; }

    /// <summary>Rows of samples: ceil(Y · V / Vmax).</summary>
    public int Height { get; private set; }

    /// <summary>Blocks that cover <see cref="Width"/>.</summary>
    public int BlocksAcross => (Width + BlockSide - 1) / BlockSide;

    /// <summary>Blocks that cover <see cref="Height"/>.</summary>
    public int BlocksDown => (Height + BlockSide - 1) / BlockSide;

    /// <summary>Blocks of a row of the plane.</summary>
    public int PlaneBlocksAcross { get; private set; }

    /// <summary>Bytes of a row of <see cref="Samples"/>.</summary>
    public int Stride => PlaneBlocksAcross * BlockSide;

    /// <summary>The decoded samples: <see cref="_rowsHeld"/> rows of the plane, row y at y mod that.</summary>
    public byte[] Samples { get; private set; } = [];

    /// <summary>Progressive frames gather all coefficients here, block after block, each in natural order; else empty.</summary>
    public short[] Coefficients { get; private set; } = [];

    /// <summary>
    /// The quantisation table as it stood at the component's first scan, natural order; later changes are for other components.
    /// </summary>
    public int[]? Quantization { get; set; }

    /// <summary>Whether any scan has brought data.</summary>
    public bool WasScanned => Quantization is not null;

    /// <summary>Sets the sizes; allocates the coefficients of a progressive frame.</summary>
    public void SetSize(JpegFrame frame)
    {
        Width = Ceiling(frame.Width * HorizontalFactor, frame.MaxHorizontal);
        Height = Ceiling(frame.Height * VerticalFactor, frame.MaxVertical);
        PlaneBlocksAcross = frame.McusAcross * HorizontalFactor;
        long blocks = (long)PlaneBlocksAcross * frame.McusDown * VerticalFactor;
        if (blocks * BlockSize > Array.MaxLength) throw new ImageFormatException($"JPEG: a component of {blocks} blocks is too large");
        if (frame.IsProgressive) Coefficients = new short[blocks * BlockSize];
    }

    /// <summary>Takes memory for samples, all of them in the middle of their range.</summary>
    /// <param name="mcuRows">How many rows of MCUs to hold.</param>
    public void HoldSamples(int mcuRows)
    {
        _rowsHeld = mcuRows * VerticalFactor * BlockSide;
        Samples = new byte[_rowsHeld * Stride];
        Array.Fill(Samples, Middle);
    }

    /// <summary>Forgets what stands in the place of some rows of blocks.</summary>
    public void Forget(int firstBlockRow, int blockRows) =>
        Samples.AsSpan(SampleOffset(0, firstBlockRow), blockRows * BlockSide * Stride).Fill(Middle);

    /// <summary>The coefficients of a block of a progressive frame.</summary>
    public Span<short> Block(int column, int row) => Coefficients.AsSpan((row * PlaneBlocksAcross + column) * BlockSize, BlockSize);

    /// <summary>Where a block's first sample lies in <see cref="Samples"/>.</summary>
    public int SampleOffset(int column, int row) => row * BlockSide % _rowsHeld * Stride + column * BlockSide;

    /// <summary>The true samples of row <paramref name="y"/>, which must be held.</summary>
    public ReadOnlySpan<byte> Row(int y) => Samples.AsSpan(y % _rowsHeld * Stride, Width);

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
