using TinyMllm.Loaders.Images.Jpeg.Entropy;

namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>The tables that segments define and redefine between scans (T.81, B.2.4); four of each kind.</summary>
internal sealed class JpegTables
{
    private const int Count = 4;

    /// <summary>Quantisation steps in natural order; null: not defined yet.</summary>
    public int[]?[] Quantization { get; } = new int[]?[Count];

    public HuffmanTable?[] DcHuffman { get; } = new HuffmanTable?[Count];

    public HuffmanTable?[] AcHuffman { get; } = new HuffmanTable?[Count];

    public ArithmeticConditioning Conditioning { get; } = new();

    /// <summary>MCUs between restart markers; 0: none.</summary>
    public int RestartInterval { get; private set; }

    /// <summary>DQT: tables of 8- or 16-bit steps in zigzag order.</summary>
    public void DefineQuantization(ReadOnlySpan<byte> segment)
    {
        var reader = new ByteReader(segment, JpegDecoder.Name);
        while (reader.Remaining > 0)
        {
            int head = reader.ReadByte(), precision = head >> 4, number = head & 15;
            if (precision > 1 || number >= Count) throw new ImageFormatException($"JPEG: DQT for table {number} of precision {precision}");
            var table = new int[JpegComponent.BlockSize];
            foreach (byte position in ZigZag.NaturalOrder[..JpegComponent.BlockSize])
                table[position] = precision == 0 ? reader.ReadByte() : reader.ReadUInt16BigEndian();
            Quantization[number] = table;
        }
    }

    /// <summary>DHT: how many codes there are of each length, then their symbols.</summary>
    public void DefineHuffman(ReadOnlySpan<byte> segment)
    {
        var reader = new ByteReader(segment, JpegDecoder.Name);
        while (reader.Remaining > 0)
        {
            int head = reader.ReadByte(), tableClass = head >> 4, number = head & 15;
            if (tableClass > 1 || number >= Count) throw new ImageFormatException($"JPEG: DHT for table {number} of class {tableClass}");
            ReadOnlySpan<byte> lengths = reader.Take(HuffmanTable.LongestCode);
            int symbols = 0;
            foreach (byte length in lengths) symbols += length;
            (tableClass == 0 ? DcHuffman : AcHuffman)[number] = new HuffmanTable(lengths, reader.Take(symbols));
        }
    }

    /// <summary>DAC: conditioning of the arithmetic coder's contexts.</summary>
    public void DefineArithmetic(ReadOnlySpan<byte> segment)
    {
        var reader = new ByteReader(segment, JpegDecoder.Name);
        while (reader.Remaining > 0)
        {
            int head = reader.ReadByte(), value = reader.ReadByte();
            Conditioning.Define(head >> 4, head & 15, value);
        }
    }

    /// <summary>DRI.</summary>
    public void DefineRestart(ReadOnlySpan<byte> segment) =>
        RestartInterval = new ByteReader(segment, JpegDecoder.Name).ReadUInt16BigEndian();
}

/// <summary>The order in which coefficients are coded (T.81, figure A.6).</summary>
internal static class ZigZag
{
    /// <summary>
    /// Row-major position of the k-th coefficient. A run of zeros in damaged data may lead up to 16 beyond the last one; it lands on the
    /// last one, as in everybody's decoder.
    /// </summary>
    public static ReadOnlySpan<byte> NaturalOrder =>
    [
        0, 1, 8, 16, 9, 2, 3, 10,
        17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34,
        27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36,
        29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46,
        53, 60, 61, 54, 47, 55, 62, 63,
        63, 63, 63, 63, 63, 63, 63, 63,
        63, 63, 63, 63, 63, 63, 63, 63,
    ];
}
