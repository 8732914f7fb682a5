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

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        var reader = new ByteReader(file, Name);
        var header = NetpbmHeader.Read(ref reader);
        ImageLimits.Check(Name, header.Width, header.Height, 8L * reader.Remaining, options);

        var canvas = new ImageCanvas(header.Width, header.Height, options, cancellationToken: cancellationToken);
        bool complete = true;
        try
        {
            if (header.IsBitmap) ReadBitmap(ref reader, header, canvas);
            else if (header.IsText) ReadText(ref reader, header, canvas);
            else complete = ReadBinary(ref reader, header, canvas, options);
        }
        catch (ImageFormatException) when (options.AcceptTruncated)
        {
            complete = false;
        }

        return canvas.ToImage(complete);
    }

    private static void ReadBitmap(ref ByteReader reader, NetpbmHeader header, ImageCanvas canvas)
    {
        int rowBytes = (header.Width + 7) / 8;
        var pixels = new byte[header.Width * RgbImage.BytesPerPixel];
        for (int y = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = header.IsText ? default : reader.Take(rowBytes);
            for (int x = 0; x < header.Width; x++)
            {
                int bit = header.IsText ? NetpbmText.ReadBit(ref reader) : row[x >> 3] >> (7 - (x & 7)) & 1;
                SetGrey(pixels, x, bit == 1 ? (byte)0 : (byte)255);
            }

            canvas.WriteRgb(y, pixels);
        }
    }

    private static void ReadText(ref ByteReader reader, NetpbmHeader header, ImageCanvas canvas)
    {
        var pixels = new byte[header.Width * RgbImage.BytesPerPixel];
        for (int y = 0; y < header.Height; y++)
        {
            if (header.Channels == 1)
                for (int x = 0; x < header.Width; x++) SetGrey(pixels, x, ReadTextSample(ref reader, header.MaxValue));
            else
                foreach (ref byte sample in pixels.AsSpan()) sample = ReadTextSample(ref reader, header.MaxValue);
            canvas.WriteRgb(y, pixels);
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
    private static bool ReadBinary(ref ByteReader reader, NetpbmHeader header, ImageCanvas canvas, ImageOptions options)
    {
        int sampleBytes = header.MaxValue > 255 ? 2 : 1;
        int rowSamples = header.Width * header.Channels;
        long needed = (long)header.Height * rowSamples * sampleBytes;
        if (needed > reader.Remaining && !options.AcceptTruncated) reader.Take((int)Math.Min(needed, int.MaxValue));

        byte[] scaled = ScaleTable(header.MaxValue);
        var samples = new byte[rowSamples];
        var pixels = header.Channels == 1 ? new byte[header.Width * RgbImage.BytesPerPixel] : samples;
        for (int y = 0; y < header.Height; y++)
        {
            // The part of a cut row that is there ends with a whole pixel.
            int there = Math.Min(header.Width, reader.Remaining / (sampleBytes * header.Channels)) * header.Channels;
            ReadOnlySpan<byte> row = reader.Take(there * sampleBytes);
            if (sampleBytes == 1)
                for (int i = 0; i < there; i++) samples[i] = scaled[row[i]];
            else
                for (int i = 0; i < there; i++) samples[i] = scaled[BinaryPrimitives.ReadUInt16BigEndian(row[(i * 2)..])];

            if (header.Channels == 1)
                for (int x = 0; x < there; x++) SetGrey(pixels, x, samples[x]);
            canvas.WriteRgb(y, pixels.AsSpan(0, there / header.Channels * RgbImage.BytesPerPixel));
            if (there < rowSamples) return false;
        }

        return true;
    }

    /// <summary>One entry for every value that a sample of this size can take; those above the maximum are full brightness.</summary>
    private static byte[] ScaleTable(int maxValue)
    {
        var table = new byte[maxValue > 255 ? 65536 : 256];
        for (int value = 0; value < table.Length; value++) table[value] = Scale(Math.Min(value, maxValue), maxValue);
        return table;
    }

    private static byte Scale(int value, int maxValue) =>
        maxValue == 65535 ? (byte)(value >> 8) : (byte)((value * 255 + maxValue / 2) / maxValue);

    private static void SetGrey(byte[] pixels, int x, byte value) =>
        pixels.AsSpan(x * RgbImage.BytesPerPixel, RgbImage.BytesPerPixel).Fill(value);
}
