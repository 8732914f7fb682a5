namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>
/// One component of the frame (T.81, A.1 and A.2): its sampling, and the plane that its blocks are decoded to. A plane covers whole MCUs,
/// so it may be larger than the component.
/// </summary>
internal sealed class JpegComponent
{
    public const int BlockSide = 8, BlockSize = 64;

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

    /// <summary>The decoded plane.</summary>
    public byte[] Samples { get; private set; } = [];

    /// <summary>Progressive frames gather all coefficients here, block after block, each in natural order; else empty.</summary>
    public short[] Coefficients { get; private set; } = [];

    /// <summary>
    /// The quantisation table as it stood at the component's first scan, natural order; later changes are for other components.
    /// </summary>
    public int[]? Quantization { get; set; }

    /// <summary>Whether any scan has brought data.</summary>
    public bool WasScanned => Quantization is not null;

    /// <summary>Sets the sizes and allocates the planes.</summary>
    public void Allocate(JpegFrame frame)
    {
        Width = Ceiling(frame.Width * HorizontalFactor, frame.MaxHorizontal);
        Height = Ceiling(frame.Height * VerticalFactor, frame.MaxVertical);
        PlaneBlocksAcross = frame.McusAcross * HorizontalFactor;
        long blocks = (long)PlaneBlocksAcross * frame.McusDown * VerticalFactor;
        if (blocks * BlockSize > Array.MaxLength) throw new ImageFormatException($"JPEG: a component of {blocks} blocks is too large");
        Samples = GC.AllocateUninitializedArray<byte>((int)blocks * BlockSize);
        Array.Fill(Samples, (byte)128);
        if (frame.IsProgressive) Coefficients = new short[blocks * BlockSize];
    }

    /// <summary>The coefficients of a block of a progressive frame.</summary>
    public Span<short> Block(int column, int row) => Coefficients.AsSpan((row * PlaneBlocksAcross + column) * BlockSize, BlockSize);

    /// <summary>Where a block's first sample lies in <see cref="Samples"/>.</summary>
    public int SampleOffset(int column, int row) => row * BlockSide * Stride + column * BlockSide;

    /// <summary>The true samples of row <paramref name="y"/>.</summary>
    public ReadOnlySpan<byte> Row(int y) => Samples.AsSpan(y * Stride, Width);

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
