using TinyMllm.Loaders.Images.Jpeg.Samples;

namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>
/// JPEG (ITU-T T.81): baseline, extended and progressive frames of 8-bit samples, Huffman or arithmetic coding, any sampling, restart
/// intervals, grey, YCbCr, RGB, CMYK and YCCK. The pixels are those of the usual decoders' accurate settings. Lossless and hierarchical
/// frames are refused.
/// </summary>
internal static class JpegDecoder
{
    public const string Name = "JPEG";

    public static bool Recognises(ReadOnlySpan<byte> file) => file.Length >= 2 && file[0] == 0xFF && file[1] == JpegMarker.StartOfImage;

    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken)
    {
        var reader = new JpegReader(file, options, cancellationToken);
        bool complete = true;
        try
        {
            reader.Read();
        }
        catch (ImageFormatException) when (options.AcceptTruncated && reader.HasPixels)
        {
            complete = false;
        }

        JpegFrame frame = reader.Frame!;
        if (frame.IsProgressive) Transform(frame, reader.Rows!);
        else reader.Rows!.Finish();
        return reader.Canvas!.ToImage(complete && !frame.EndedEarly);
    }

    /// <summary>Progressive frames: all scans have been read, now the blocks can be transformed.</summary>
    private static void Transform(JpegFrame frame, JpegRows rows)
    {
        for (int mcuRow = 0; mcuRow < frame.McusDown; mcuRow++)
        {
            rows.Begin(mcuRow);
            foreach (JpegComponent component in frame.Components)
            {
                if (!component.WasScanned) continue;
                int first = mcuRow * component.VerticalFactor;
                for (int row = first; row < Math.Min(first + component.VerticalFactor, component.BlocksDown); row++) Transform(component, row);
            }

            rows.End();
        }
    }

    private static void Transform(JpegComponent component, int row)
    {
        for (int column = 0; column < component.BlocksAcross; column++)
        {
            Span<short> block = component.Block(column, row);
            int last = block[1..].ContainsAnyExcept((short)0) ? JpegComponent.BlockSize - 1 : 0;
            Span<byte> samples = component.Samples.AsSpan(component.SampleOffset(column, row));
            InverseDct.Transform(block, component.Quantization!, last, samples, component.Stride);
        }
    }
}
