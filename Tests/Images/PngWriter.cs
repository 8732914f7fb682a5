using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using TinyMllm.Loaders.Images.Png;

namespace TinyMllm.Tests.Images;

/// <summary>Writes the PNG files that tests need.</summary>
internal static class PngWriter
{
    /// <summary>A picture of zeros, which compresses to a thousandth.</summary>
    public static byte[] Flat(int width, int height, int depth, PngColourType type, bool interlaced = false)
    {
        int channels = new PngHeader(1, 1, depth, type, false).Channels;
        var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (PngPass pass in interlaced ? Adam7.Passes : Adam7.SinglePass)
            {
                var row = new byte[1 + ((long)pass.Columns(width) * channels * depth + 7) / 8];
                for (int y = 0; y < pass.Rows(height); y++) zlib.Write(row);
            }
        }

        return [.. PngDecoder.Signature, .. Chunk("IHDR", Header(width, height, depth, type, interlaced)), .. Chunk("IDAT", data.ToArray()), .. Chunk("IEND", [])];
    }

    public static byte[] Header(int width, int height, int depth, PngColourType type, bool interlaced = false)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)type, interlaced ? (byte)1 : (byte)0);
        return header;
    }

    public static byte[] Chunk(string type, byte[] body)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. body], length = new byte[4], crc = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(crc, Crc32.Compute(named));
        return [.. length, .. named, .. crc];
    }
}
