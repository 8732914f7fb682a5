using System.Buffers.Binary;
using System.Text;
using TinyMllm.Loaders.Images.Png;

namespace TinyMllm.Tests.Images;

/// <summary>Large pictures of one colour in every format, in files of a few kilobytes: what a sender needs to make a receiver take gigabytes.</summary>
internal static class FlatPictures
{
    /// <summary>Names for <see cref="Make"/>.</summary>
    public static IReadOnlyList<string> Names =>
    [
        "png 1 bit", "png palette", "png rgb", "png rgba", "png rgba 16", "png interlaced", "bmp", "bmp runs", "ppm", "pgm", "pbm text", "gif", "gif interlaced",
        "jpeg", "jpeg grey", "jpeg 4:4:4", "jpeg progressive", "webp lossless", "webp lossy", "webp lossy with alpha",
    ];

    /// <summary>The file of a picture.</summary>
    public static byte[] Make(string name, int width, int height) => name switch
    {
        "png 1 bit" => PngWriter.Flat(width, height, 1, PngColourType.Greyscale),
        "png palette" => WithPalette(PngWriter.Flat(width, height, 8, PngColourType.Indexed)),
        "png rgb" => PngWriter.Flat(width, height, 8, PngColourType.Truecolour),
        "png rgba" => PngWriter.Flat(width, height, 8, PngColourType.TruecolourAlpha),
        "png rgba 16" => PngWriter.Flat(width, height, 16, PngColourType.TruecolourAlpha),
        "png interlaced" => PngWriter.Flat(width, height, 8, PngColourType.TruecolourAlpha, interlaced: true),
        "bmp" => [.. BmpHeader(width, height, 24, 0), .. new byte[(width * 3 + 3) / 4 * 4 * height]],
        "bmp runs" => [.. BmpHeader(width, height, 8, 1), .. Enumerable.Repeat<byte[]>([.. Enumerable.Repeat<byte[]>([255, 0], (width + 254) / 255).SelectMany(pair => pair), 0, 0], height)
            .SelectMany(row => row)],
        "ppm" => [.. Encoding.ASCII.GetBytes($"P6 {width} {height} 255\n"), .. new byte[width * height * 3]],
        "pgm" => [.. Encoding.ASCII.GetBytes($"P5 {width} {height} 65535\n"), .. new byte[width * height * 2]],
        "pbm text" => [.. Encoding.ASCII.GetBytes($"P1 {width} {height}\n"), .. Enumerable.Repeat((byte)'1', width * height)],
        "gif" => Gif(width, height, 0),
        "gif interlaced" => Gif(width, height, 0x40),
        "jpeg" => Jpeg(width, height, 0xC0, 0x22, 0x11, 0x11),
        "jpeg grey" => Jpeg(width, height, 0xC0, 0x11),
        "jpeg 4:4:4" => Jpeg(width, height, 0xC0, 0x11, 0x11, 0x11),
        "jpeg progressive" => Jpeg(width, height, 0xC2, 0x22, 0x11, 0x11),
        "webp lossless" => WebP(("VP8L", Lossless(width, height))),
        "webp lossy" => WebP(("VP8 ", Lossy(width, height))),
        "webp lossy with alpha" => WebP(("ALPH", [1, .. Lossless(width, height)[5..]]), ("VP8 ", Lossy(width, height))),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static byte[] WithPalette(byte[] png)
    {
        int behindHeader = PngDecoder.Signature.Length + 12 + 13;
        return [.. png[..behindHeader], .. PngWriter.Chunk("PLTE", [1, 2, 3]), .. png[behindHeader..]];
    }

    private static byte[] BmpHeader(int width, int height, ushort bits, int compression)
    {
        int palette = bits == 8 ? 1024 : 0;
        var header = new byte[54 + palette];
        "BM"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), header.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(22), height);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), bits);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(30), compression);
        return header;
    }

    /// <summary>Codes 6, 7, 8, … for ever longer strings of index 0, begun anew at 4095.</summary>
    private static byte[] Gif(int width, int height, byte flags)
    {
        var bits = new BitWriter();
        int size = 3;
        for (long left = (long)width * height; left > 0;)
        {
            bits.Write(4, size);
            (size, int next, int length) = (3, 6, 1);
            bits.Write(0, size);
            for (left--; left > 0 && next < 4095; next++)
            {
                if (next == 1 << size && size < 12) size++;
                bits.Write(next, size);
                left -= ++length;
            }
        }

        byte[] data = bits.ToArray();
        byte[] screen = [(byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8)];
        return
        [
            .. "GIF89a"u8, .. screen, 0x80, 0, 0, 9, 9, 9, 0, 0, 0, 0x2C, 0, 0, 0, 0, .. screen, flags, 2,
            .. data.Chunk(255).SelectMany(block => block.Prepend((byte)block.Length)), 0, 0x3B,
        ];
    }

    /// <summary>Both Huffman tables have the code 0 for "nothing", so the data is zeros.</summary>
    private static byte[] Jpeg(int width, int height, byte frame, params byte[] sampling)
    {
        var file = new MemoryStream();
        file.Write([0xFF, 0xD8]);
        Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]);
        Segment(frame, [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, (byte)sampling.Length,
            .. sampling.SelectMany((factors, i) => new byte[] { (byte)(i + 1), factors, 0 })]);
        foreach (byte table in new byte[] { 0x00, 0x10 }) Segment(0xC4, [table, 1, .. new byte[15], 0]);
        bool isProgressive = frame == 0xC2;
        Segment(0xDA, [(byte)sampling.Length, .. sampling.SelectMany((_, i) => new byte[] { (byte)(i + 1), 0 }), 0, isProgressive ? (byte)0 : (byte)63, 0]);
        (int across, int down) = (sampling[0] >> 4, sampling[0] & 15);
        long mcus = (long)((width + 8 * across - 1) / (8 * across)) * ((height + 8 * down - 1) / (8 * down));
        file.Write(new byte[mcus * sampling.Sum(factors => (factors >> 4) * (factors & 15)) * 2 / 8 + 8]);
        file.Write([0xFF, 0xD9]);
        return file.ToArray();

        void Segment(byte marker, byte[] body) => file.Write([0xFF, marker, (byte)(body.Length + 2 >> 8), (byte)(body.Length + 2), .. body]);
    }

    private static byte[] WebP(params (string Name, byte[] Body)[] chunks)
    {
        byte[] body = [.. chunks.SelectMany(chunk => (byte[])[.. Encoding.ASCII.GetBytes(chunk.Name), .. BitConverter.GetBytes(chunk.Body.Length),
            .. chunk.Body, .. new byte[chunk.Body.Length & 1]])];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(body.Length + 4), .. "WEBP"u8, .. body];
    }

    /// <summary>No transform, no cache, and five prefix codes of one symbol each: pixels take no bits at all.</summary>
    private static byte[] Lossless(int width, int height)
    {
        var bits = new BitWriter();
        bits.Write(0x2F, 8);
        bits.Write(width - 1, 14);
        bits.Write(height - 1, 14);
        bits.Write(0b0001, 4); // Alpha counts; version 0.
        bits.Write(0, 3);
        foreach (int symbol in new[] { 128, 3, 4, 255, 0 })
        {
            bits.Write(0b101, 3); // Simple, one symbol, of eight bits.
            bits.Write(symbol, 8);
        }

        // The pixels' length keeps the size plausible.
        return [.. bits.ToArray(), .. new byte[(long)width * height >> 16]];
    }

    /// <summary>A key frame whose bits are all zero: every macroblock is predicted as a whole or by subblocks, without residue or with one.</summary>
    private static byte[] Lossy(int width, int height)
    {
        int macroblocks = ((width + 15) / 16) * ((height + 15) / 16), first = 100 + 8 * macroblocks;
        uint tag = 1u << 4 | (uint)Math.Min(first, (1 << 19) - 1) << 5;
        return [(byte)tag, (byte)(tag >> 8), (byte)(tag >> 16), 0x9D, 0x01, 0x2A, (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8),
            .. new byte[Math.Min(first, (1 << 19) - 1)], .. new byte[100 + 8 * macroblocks]];
    }

    /// <summary>Low bits first.</summary>
    private sealed class BitWriter
    {
        private readonly List<byte> _bytes = [];
        private ulong _bits;
        private int _count;

        public void Write(int value, int count)
        {
            _bits |= (ulong)(uint)value << _count;
            for (_count += count; _count >= 8; _count -= 8, _bits >>= 8) _bytes.Add((byte)_bits);
        }

        public byte[] ToArray() => [.. _bytes, .. (_count > 0 ? new[] { (byte)_bits } : [])];
    }
}
