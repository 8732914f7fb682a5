using TinyMllm.Loaders.Images.Jpeg.Entropy;

namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>One component's part in a scan.</summary>
/// <param name="component">The component.</param>
/// <param name="dcTable">Number of its DC entropy table.</param>
/// <param name="acTable">Number of its AC entropy table.</param>
internal sealed class ScanComponent(JpegComponent component, int dcTable, int acTable)
{
    public JpegComponent Component => component;

    public int DcTable => dcTable;

    public int AcTable => acTable;

    /// <summary>Huffman table of DC differences; null where the scan needs none.</summary>
    public HuffmanTable? DcHuffman { get; set; }

    /// <summary>Huffman table of AC coefficients; null where the scan needs none.</summary>
    public HuffmanTable? AcHuffman { get; set; }

    /// <summary>PRED: the last DC value (T.81, F.1.1.5.1).</summary>
    public int DcPrediction { get; set; }

    /// <summary>Arithmetic coding: which of the five contexts the last DC difference selects (T.81, F.1.4.4.1.2).</summary>
    public int DcContext { get; set; }
}

/// <summary>The scan header (T.81, B.2.3).</summary>
/// <param name="Components">In the order of their blocks in an MCU.</param>
/// <param name="SpectralStart">Ss, first coefficient in zigzag order.</param>
/// <param name="SpectralEnd">Se, last coefficient.</param>
/// <param name="ApproximationHigh">Ah, the bit position of the scan before; 0: the first scan of these coefficients.</param>
/// <param name="ApproximationLow">Al, bit position of this scan.</param>
internal sealed record JpegScan(ScanComponent[] Components, int SpectralStart, int SpectralEnd, int ApproximationHigh, int ApproximationLow)
{
    public bool IsDc => SpectralStart == 0;

    public bool IsRefinement => ApproximationHigh != 0;

    public static JpegScan Parse(JpegFrame frame, ReadOnlySpan<byte> segment)
    {
        var reader = new ByteReader(segment, JpegDecoder.Name);
        int count = reader.ReadByte();
        if (count < 1 || count > frame.Components.Length)
            throw new ImageFormatException($"JPEG: a scan of {count} components in a frame of {frame.Components.Length}");

        var components = new ScanComponent[count];
        for (int i = 0; i < count; i++)
        {
            byte id = reader.ReadByte(), tables = reader.ReadByte();
            JpegComponent component = Array.Find(frame.Components, candidate => candidate.Id == id && !IsTaken(components, candidate))
                ?? throw new ImageFormatException($"JPEG: a scan of component {id}, which the frame does not have or the scan has twice");
            if ((tables >> 4) > 3 || (tables & 15) > 3)
                throw new ImageFormatException($"JPEG: entropy tables 0x{tables:X2}, expected numbers 0 to 3");
            components[i] = new ScanComponent(component, tables >> 4, tables & 15);
        }

        int start = reader.ReadByte(), end = reader.ReadByte(), approximation = reader.ReadByte();
        if (!frame.IsProgressive) return new JpegScan(components, 0, 63, 0, 0);

        var scan = new JpegScan(components, start, end, approximation >> 4, approximation & 15);
        bool bandFits = scan.IsDc ? end == 0 : count == 1 && start <= end && end <= 63;
        if (!bandFits || scan.ApproximationLow > 13 || (scan.IsRefinement && scan.ApproximationHigh != scan.ApproximationLow + 1))
        {
                throw new ImageFormatException(
                    $"JPEG: a progressive scan of {start}–{end}, bits {approximation >> 4}–{approximation & 15}, {count} components");
        }

        return scan;
    }

    private static bool IsTaken(ScanComponent?[] components, JpegComponent component) =>
        Array.Exists(components, taken => taken?.Component == component);
}
