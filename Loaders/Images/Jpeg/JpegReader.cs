using System.Buffers.Binary;
using TinyMllm.Loaders.Images.Jpeg.Entropy;
using TinyMllm.Loaders.Images.Jpeg.Samples;

namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>Goes through the marker segments of a file and decodes its scans (T.81, B.1 and B.2).</summary>
internal ref struct JpegReader(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
{
    /// <summary>
    /// Real files have ten scans or so. A small file can hold thousands, each of which touches every block: more are an attack, not a
    /// picture.
    /// </summary>
    private const int MostScans = 500;

    private readonly ReadOnlySpan<byte> _file = file;
    private readonly JpegTables _tables = new();
    private int _position = 2;
    private int _scans;

    /// <summary>The frame; set when <see cref="Read"/> returns.</summary>
    public JpegFrame? Frame { get; private set; }

    public ImageOrientation Orientation { get; private set; } = ImageOrientation.TopLeft;

    public bool IsJfif { get; private set; }

    public int? AdobeTransform { get; private set; }

    /// <summary>Where the picture goes; there as soon as there are pixels.</summary>
    public ImageCanvas? Canvas { get; private set; }

    /// <summary>
    /// Takes the samples. Of a sequential frame they are written as they come; those of a progressive one wait in the coefficients.
    /// </summary>
    public JpegRows? Rows { get; private set; }

    /// <summary>Whether the file broke off only after scans had begun.</summary>
    public readonly bool HasPixels => Rows is not null;

    /// <summary>Reads everything up to the end of the image.</summary>
    public void Read()
    {
        while (true)
        {
            int at = JpegMarker.Find(_file, _position);
            if (at < 0)
            {
                RequireAll("the file ends before the end of the image", isCleanEnd: false);
                return;
            }

            byte marker = _file[at + 1];
            _position = at + 2;
            if (marker == JpegMarker.EndOfImage)
            {
                RequireAll("the image ends", isCleanEnd: true);
                return;
            }

            if (!JpegMarker.StandsAlone(marker)) TakeSegment(marker, ReadSegment(marker));
        }
    }

    private ReadOnlySpan<byte> ReadSegment(byte marker)
    {
        int length = _file.Length - _position >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(_file[_position..]) : 0;
        if (length < 2 || length > _file.Length - _position)
        {
                throw new ImageFormatException(
                    $"JPEG: segment 0xFF{marker:X2} at byte {_position - 2} with length {length} leaves the file of {_file.Length} bytes");
        }

        ReadOnlySpan<byte> segment = _file.Slice(_position + 2, length - 2);
        _position += length;
        return segment;
    }

    private void TakeSegment(byte marker, ReadOnlySpan<byte> segment)
    {
        switch (marker)
        {
            case JpegMarker.Sof0 or JpegMarker.Sof1 or JpegMarker.Sof2 or JpegMarker.Sof9 or JpegMarker.Sof10:
                if (Frame is not null) throw new ImageFormatException("JPEG: a second frame (hierarchical pictures are not read)");
                Frame = JpegFrame.Parse(marker, segment);
                ImageLimits.Check(JpegDecoder.Name, Frame.Width, Frame.Height, Frame.Describable(_file.Length), options);
                break;
            case var _ when JpegMarker.IsFrame(marker):
                throw new ImageFormatException($"JPEG: frame type 0xFF{marker:X2} (lossless or hierarchical) is not read");
            case JpegMarker.DefineQuantization:
                _tables.DefineQuantization(segment);
                break;
            case JpegMarker.DefineHuffman:
                _tables.DefineHuffman(segment);
                break;
            case JpegMarker.DefineArithmetic:
                _tables.DefineArithmetic(segment);
                break;
            case JpegMarker.DefineRestart:
                _tables.DefineRestart(segment);
                break;
            case JpegMarker.StartOfScan:
                ReadScan(segment);
                break;
            case JpegMarker.App0 when segment.StartsWith("JFIF\0"u8):
                IsJfif = true;
                break;
            case JpegMarker.App1 when segment.StartsWith("Exif\0"u8) && segment.Length > 6:
                Orientation = ExifOrientation.Read(segment[6..]);
                break;
            case JpegMarker.App14 when segment.StartsWith("Adobe"u8) && segment.Length >= 12:
                AdobeTransform = segment[11];
                break;
        }
    }

    private void ReadScan(ReadOnlySpan<byte> segment)
    {
        JpegFrame frame = Frame ?? throw new ImageFormatException("JPEG: a scan before the frame header");
        if (_scans == 0) frame.SetComponentSizes();
        if (++_scans > MostScans) throw new ImageFormatException($"JPEG: more than {MostScans} scans");

        var scan = JpegScan.Parse(frame, segment);
        bool hasAll = scan.Components.Length == frame.Components.Length;
        if (Canvas is null)
        {
            Canvas = new ImageCanvas(frame.Width, frame.Height, options, Orientation, cancellationToken);
            JpegColourSpace space = JpegColour.Detect(frame, IsJfif, AdobeTransform);
            Rows = new JpegRows(frame, space, Canvas, holdsAll: !frame.IsProgressive && !hasAll);
        }
        else if (!frame.IsProgressive && Array.TrueForAll(scan.Components, scanned => scanned.Component.WasScanned))
        {
            return; // Sequential components come once (T.81, B.2.3). What follows is passed over like anything between markers.
        }

        foreach (ScanComponent scanned in scan.Components) PrepareTables(scan, scanned);
        var walk = new ScanWalk(frame, scan, _tables.RestartInterval, !frame.IsProgressive && hasAll ? Rows : null, cancellationToken);
        if (frame.IsArithmetic)
        {
            var decoder = new ArithmeticBlocks(scan, _tables.Conditioning, frame.IsProgressive);
            _position = ScanWalker.Run(_file, _position, walk, ref decoder);
        }
        else if (frame.IsProgressive)
        {
            var decoder = new HuffmanProgressive(scan);
            _position = ScanWalker.Run(_file, _position, walk, ref decoder);
        }
        else
        {
            var decoder = default(HuffmanSequential);
            _position = ScanWalker.Run(_file, _position, walk, ref decoder);
        }
    }

    private readonly void PrepareTables(JpegScan scan, ScanComponent scanned)
    {
        JpegComponent component = scanned.Component;
        component.Quantization ??= _tables.Quantization[component.QuantizationSelector]
            ?? throw new ImageFormatException($"JPEG: quantisation table {component.QuantizationSelector} is not defined");
        if (Frame!.IsArithmetic) return;

        bool needsDc = scan.IsDc && !scan.IsRefinement, needsAc = !Frame.IsProgressive || !scan.IsDc;
        if (needsDc) scanned.DcHuffman = Require(_tables.DcHuffman[scanned.DcTable], "DC", scanned.DcTable);
        if (needsAc) scanned.AcHuffman = Require(_tables.AcHuffman[scanned.AcTable], "AC", scanned.AcTable);
    }

    private static HuffmanTable Require(HuffmanTable? table, string kind, int number) =>
        table ?? throw new ImageFormatException($"JPEG: {kind} Huffman table {number} is not defined");

    /// <summary>
    /// A sequential picture is whole once every component had its scan, whether or not the last marker is there; of a progressive one
    /// nobody can tell what a missing end would have brought.
    /// </summary>
    private readonly void RequireAll(string what, bool isCleanEnd)
    {
        bool isWhole = Frame is { } frame && (frame.IsProgressive
            ? isCleanEnd && HasPixels
            : Array.TrueForAll(frame.Components, component => component.WasScanned));
        if (!isWhole) throw new ImageFormatException($"JPEG: {what} after {_scans} scans, before all pixels were read");
    }
}
