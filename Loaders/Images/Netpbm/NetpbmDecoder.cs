using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images.Netpbm;

/// <summary>
/// PBM, PGM and PPM, text (P1, P2, P3) and binary (P4, P5, P6), as the netpbm manual pages describe them. Samples are scaled to 8 bits:
/// value · 255 / maximum, rounded; 16-bit samples of maximum 65535 keep their high byte, as the decoders around us do.
/// </summary>
internal static class NetpbmDecoder
{
    private const string Name = "PNM";

    public static bool Recognises(ReadOnlySpan<byte> file) =>
        file.Length >= 3 && file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6'
        && file[2] is (byte)'#' or (byte)' ' or (>= 9 and <= 13);

    public static RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options)
    {
        var reader = new ByteReader(file, Name);
        NetpbmHeader header = NetpbmHeader.Read(ref reader);
        ImageLimits.Check(Name, header.Width, header.Height, 8L * reader.Remaining, options);

        var pixels = new byte[checked(header.Width * header.Height * RgbaImage.BytesPerPixel)];
        bool complete = true;
        try
        {
            if (header.IsBitmap) ReadBitmap(ref reader, header, pixels);
            else if (header.IsText) ReadText(ref reader, header, pixels);
            else complete = ReadBinary(ref reader, header, pixels, options);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            complete = false;
        }

        return new RgbaImage(header.Width, header.Height, pixels) { IsComplete = complete };
    }

    private static void ReadBitmap(ref ByteReader reader, NetpbmHeader header, Span<byte> pixels)
    {
        int rowBytes = (header.Width + 7) / 8, at = 0;
        for (int y = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = header.IsText ? default : reader.Take(rowBytes);
            for (int x = 0; x < header.Width; x++, at += 4)
            {
                int bit = header.IsText ? NetpbmText.ReadBit(ref reader) : row[x >> 3] >> (7 - (x & 7)) & 1;
                byte value = bit == 1 ? (byte)0 : (byte)255;
                SetPixel(pixels[at..], value, value, value);
            }
        }
    }

    private static void ReadText(ref ByteReader reader, NetpbmHeader header, Span<byte> pixels)
    {
        for (int at = 0; at < pixels.Length; at += 4)
        {
            byte first = ReadTextSample(ref reader, header.MaxValue);
            if (header.Channels == 1) SetPixel(pixels[at..], first, first, first);
            else SetPixel(pixels[at..], first, ReadTextSample(ref reader, header.MaxValue), ReadTextSample(ref reader, header.MaxValue));
        }
    }

    private static byte ReadTextSample(ref ByteReader reader, int maxValue)
    {
        int value = NetpbmText.ReadNumber(ref reader, "sample");
        return value <= maxValue
            ? Scale(value, maxValue)
            : throw new ImageFormatException($"PNM: sample {value} above the maximum value {maxValue}");
    }

    /// <summary>Returns whether all samples were there.</summary>
    private static bool ReadBinary(ref ByteReader reader, NetpbmHeader header, Span<byte> pixels, ImageOptions options)
    {
        int sampleBytes = header.MaxValue > 255 ? 2 : 1;
        int pixelBytes = sampleBytes * header.Channels;
        long needed = (long)header.Width * header.Height * pixelBytes;
        if (needed > reader.Remaining && !options.AcceptTruncated) reader.Take((int)Math.Min(needed, int.MaxValue));

        ReadOnlySpan<byte> data = reader.Rest;
        byte[] scaled = ScaleTable(header.MaxValue);
        int count = (int)Math.Min(pixels.Length / 4, data.Length / pixelBytes);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> pixel = data.Slice(i * pixelBytes, pixelBytes);
            byte red = scaled[Sample(pixel, 0, sampleBytes)];
            if (header.Channels == 1) SetPixel(pixels[(i * 4)..], red, red, red);
            else SetPixel(pixels[(i * 4)..], red, scaled[Sample(pixel, 1, sampleBytes)], scaled[Sample(pixel, 2, sampleBytes)]);
        }

        return count == pixels.Length / 4;
    }

    private static int Sample(ReadOnlySpan<byte> pixel, int channel, int sampleBytes) =>
        sampleBytes == 1 ? pixel[channel] : BinaryPrimitives.ReadUInt16BigEndian(pixel[(channel * 2)..]);

    /// <summary>One entry for every value that a sample of this size can take; those above the maximum are full brightness.</summary>
    private static byte[] ScaleTable(int maxValue)
    {
        var table = new byte[maxValue > 255 ? 65536 : 256];
        for (int value = 0; value < table.Length; value++) table[value] = Scale(Math.Min(value, maxValue), maxValue);
        return table;
    }

    private static byte Scale(int value, int maxValue) =>
        maxValue == 65535 ? (byte)(value >> 8) : (byte)((value * 255 + maxValue / 2) / maxValue);

    private static void SetPixel(Span<byte> pixel, byte red, byte green, byte blue) =>
        (pixel[0], pixel[1], pixel[2], pixel[3]) = (red, green, blue, 255);
}
