using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images.Png;

/// <summary>
/// The chunks that matter, found in one walk through the file (PNG 3rd edition, 5.3). A wrong CRC is an error in IHDR and PLTE, and
/// drops tRNS and eXIf. IDAT's is not looked at: the zlib stream inside carries its own checksum. A missing IEND is forgiven.
/// </summary>
internal ref struct PngChunks
{
    private const int HeaderBytes = 8, CrcBytes = 4;

    public PngHeader Header { get; private set; }

    /// <summary>Red, green, blue of each entry.</summary>
    public ReadOnlySpan<byte> Palette { get; private set; }

    /// <summary>tRNS: alpha of the first palette entries, or the grey or colour that is transparent.</summary>
    public ReadOnlySpan<byte> Transparency { get; private set; }

    public ImageOrientation Orientation { get; private set; }

    /// <summary>Where the compressed pixels lie in the file.</summary>
    public List<(int Offset, int Length)> Data { get; }

    public PngChunks(ReadOnlySpan<byte> file)
    {
        Data = [];
        Orientation = ImageOrientation.TopLeft;
        int at = PngDecoder.Signature.Length;
        bool first = true;
        while (file.Length - at >= HeaderBytes)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            ReadOnlySpan<byte> type = file.Slice(at + 4, 4);
            if (first && !type.SequenceEqual("IHDR"u8)) throw new ImageFormatException($"PNG: first chunk is {Name(type)}, expected IHDR");
            first = false;
            int body = at + HeaderBytes;
            if (length > file.Length - body)
            {
                // The file stops inside this chunk; of pixels we can use what is there.
                if (type.SequenceEqual("IDAT"u8)) Data.Add((body, file.Length - body));
                break;
            }

            Take(file, type, body, (int)length);
            if (type.SequenceEqual("IEND"u8)) break;
            at = (int)Math.Min((long)body + length + CrcBytes, file.Length);
        }

        if (Header.BitDepth == 0) throw new ImageFormatException("PNG: the file ends within IHDR");
        if (Data.Count == 0) throw new ImageFormatException("PNG: no IDAT chunk");
    }

    private void Take(ReadOnlySpan<byte> file, ReadOnlySpan<byte> type, int body, int length)
    {
        ReadOnlySpan<byte> chunk = file.Slice(body, length);
        if (type.SequenceEqual("IDAT"u8))
        {
            Data.Add((body, length));
        }
        else if (type.SequenceEqual("IHDR"u8))
        {
            RequireIntact(file, body, length);
            Header = PngHeader.Parse(chunk);
        }
        else if (type.SequenceEqual("PLTE"u8))
        {
            RequireIntact(file, body, length);
            if (length % 3 != 0 || length > 3 * 256)
                throw new ImageFormatException($"PNG: PLTE of {length} bytes, expected 3 to 768 in threes");
            Palette = chunk;
        }
        else if (type.SequenceEqual("tRNS"u8) && IsIntact(file, body, length))
        {
            Transparency = chunk;
        }
        else if (type.SequenceEqual("eXIf"u8) && IsIntact(file, body, length))
        {
            Orientation = ExifOrientation.Read(chunk);
        }
    }

    private static void RequireIntact(ReadOnlySpan<byte> file, int body, int length)
    {
        if (!IsIntact(file, body, length)) throw new ImageFormatException($"PNG: the checksum of {Name(file.Slice(body - 4, 4))} is wrong");
    }

    /// <summary>The CRC covers the chunk's type and body.</summary>
    private static bool IsIntact(ReadOnlySpan<byte> file, int body, int length) =>
        file.Length - body - length >= CrcBytes
        && BinaryPrimitives.ReadUInt32BigEndian(file[(body + length)..]) == Crc32.Compute(file.Slice(body - 4, length + 4));

    private static string Name(ReadOnlySpan<byte> type)
    {
        Span<char> text = stackalloc char[type.Length];
        for (int i = 0; i < type.Length; i++) text[i] = char.IsAsciiLetter((char)type[i]) ? (char)type[i] : '?';
        return new string(text);
    }
}
