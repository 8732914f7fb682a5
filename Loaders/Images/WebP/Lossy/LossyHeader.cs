namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>How far a segment departs from the frame (RFC 6386, 9.3).</summary>
internal struct SegmentSettings
{
    public int Quantizer;
    public int FilterLevel;
}

/// <summary>The header of a key frame (RFC 6386, 9 and 19.2).</summary>
internal sealed class LossyHeader
{
    /// <summary>Frame tag, start code and sizes: what lies before the first partition.</summary>
    public const int UncompressedBytes = 10;

    private const int Segments = 4;

    public bool HasSegments { get; private set; }

    /// <summary>Whether macroblocks tell their segment.</summary>
    public bool UpdatesSegmentMap { get; private set; }

    /// <summary>Segment values replace the frame's; else they are added.</summary>
    public bool HasAbsoluteSegments { get; private set; }

    public SegmentSettings[] Segment { get; } = new SegmentSettings[Segments];

    public byte[] SegmentProbabilities { get; } = [255, 255, 255];

    public bool IsSimpleFilter { get; private set; }

    public int FilterLevel { get; private set; }

    public int FilterSharpness { get; private set; }

    public bool HasFilterDeltas { get; private set; }

    /// <summary>Added to the filter level of every intra macroblock.</summary>
    public int IntraFilterDelta { get; private set; }

    /// <summary>Added for macroblocks that are predicted by subblocks.</summary>
    public int SubblockFilterDelta { get; private set; }

    /// <summary>Number of coefficient partitions: 1, 2, 4 or 8.</summary>
    public int Partitions { get; private set; }

    /// <summary>Index of the quantiser, 0 … 127, and what is added to it for each kind of coefficient (9.6).</summary>
    public int BaseQuantizer { get; private set; }

    public int LumaDcDelta { get; private set; }

    public int SecondDcDelta { get; private set; }

    public int SecondAcDelta { get; private set; }

    public int ChromaDcDelta { get; private set; }

    public int ChromaAcDelta { get; private set; }

    public byte[] Coefficients { get; } = CoefficientProbabilities.Default.ToArray();

    /// <summary>Probability that a macroblock is not skipped; -1: none is.</summary>
    public int SkipProbability { get; private set; } = -1;

    /// <summary>Sizes and the first partition's length from the frame tag (9.1).</summary>
    public static (int Width, int Height, int FirstPartition) ReadTag(ReadOnlySpan<byte> chunk)
    {
        var reader = new ByteReader(chunk, WebPDecoder.Name);
        int tag = reader.ReadUInt16LittleEndian() | reader.ReadByte() << 16;
        if ((tag & 1) != 0) throw new ImageFormatException("WebP: the VP8 frame is not a key frame");
        if ((tag >> 1 & 7) > 3) throw new ImageFormatException($"WebP: VP8 version {tag >> 1 & 7}, expected 0 to 3");
        if (!reader.Take(3).SequenceEqual<byte>([0x9D, 0x01, 0x2A]))
            throw new ImageFormatException("WebP: a VP8 frame without its start code");
        int width = reader.ReadUInt16LittleEndian() & 0x3FFF, height = reader.ReadUInt16LittleEndian() & 0x3FFF;
        return (width, height, tag >> 5);
    }

    public static LossyHeader Read(BoolDecoder bits)
    {
        var header = new LossyHeader();
        bits.ReadNumber(2); // Colour space and clamping: key frames of WebP have one meaning for both.
        header.ReadSegments(bits);
        header.ReadFilter(bits);
        header.Partitions = 1 << bits.ReadNumber(2);
        header.ReadQuantizers(bits);
        bits.ReadFlag(); // Whether the probabilities are kept for later frames: there are none.
        ReadOnlySpan<byte> update = CoefficientProbabilities.Update;
        for (int i = 0; i < CoefficientProbabilities.Count; i++)
            if (bits.Read(update[i])) header.Coefficients[i] = (byte)bits.ReadNumber(8);
        if (bits.ReadFlag()) header.SkipProbability = bits.ReadNumber(8);
        return header;
    }

    private void ReadSegments(BoolDecoder bits)
    {
        HasSegments = bits.ReadFlag();
        if (!HasSegments) return;
        UpdatesSegmentMap = bits.ReadFlag();
        if (bits.ReadFlag())
        {
            HasAbsoluteSegments = bits.ReadFlag();
            for (int i = 0; i < Segments; i++) Segment[i].Quantizer = bits.ReadOptionalSigned(7);
            for (int i = 0; i < Segments; i++) Segment[i].FilterLevel = bits.ReadOptionalSigned(6);
        }

        if (!UpdatesSegmentMap) return;
        for (int i = 0; i < SegmentProbabilities.Length; i++)
            SegmentProbabilities[i] = bits.ReadFlag() ? (byte)bits.ReadNumber(8) : (byte)255;
    }

    private void ReadFilter(BoolDecoder bits)
    {
        IsSimpleFilter = bits.ReadFlag();
        FilterLevel = bits.ReadNumber(6);
        FilterSharpness = bits.ReadNumber(3);
        HasFilterDeltas = bits.ReadFlag();
        if (!HasFilterDeltas || !bits.ReadFlag()) return;

        // Four deltas for reference frames, of which key frames have the first, then four for modes, of which they have the first.
        IntraFilterDelta = bits.ReadOptionalSigned(6);
        for (int i = 1; i < 4; i++) bits.ReadOptionalSigned(6);
        SubblockFilterDelta = bits.ReadOptionalSigned(6);
        for (int i = 1; i < 4; i++) bits.ReadOptionalSigned(6);
    }

    private void ReadQuantizers(BoolDecoder bits)
    {
        BaseQuantizer = bits.ReadNumber(7);
        LumaDcDelta = bits.ReadOptionalSigned(4);
        SecondDcDelta = bits.ReadOptionalSigned(4);
        SecondAcDelta = bits.ReadOptionalSigned(4);
        ChromaDcDelta = bits.ReadOptionalSigned(4);
        ChromaAcDelta = bits.ReadOptionalSigned(4);
    }
}
