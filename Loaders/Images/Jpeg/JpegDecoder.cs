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

    public static RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options)
    {
        var reader = new JpegReader(file, options);
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
        if (frame.IsProgressive) TransformAll(frame);
        var pixels = GC.AllocateUninitializedArray<byte>(frame.Width * frame.Height * RgbaImage.BytesPerPixel);
        var image = new RgbaImage(frame.Width, frame.Height, pixels)
        {
            Orientation = reader.Orientation,
            IsComplete = complete && !frame.EndedEarly,
        };
        Assemble(frame, JpegColour.Detect(frame, reader.IsJfif, reader.AdobeTransform), image);
        return image;
    }

    /// <summary>Progressive frames: all scans have been read, now the blocks can be transformed.</summary>
    private static void TransformAll(JpegFrame frame)
    {
        foreach (JpegComponent component in frame.Components)
        {
            if (!component.WasScanned) continue;
            for (int row = 0; row < component.BlocksDown; row++)
                for (int column = 0; column < component.BlocksAcross; column++)
                {
                    Span<short> block = component.Block(column, row);
                    int last = block[1..].ContainsAnyExcept((short)0) ? JpegComponent.BlockSize - 1 : 0;
                    Span<byte> samples = component.Samples.AsSpan(component.SampleOffset(column, row));
                    InverseDct.Transform(block, component.Quantization!, last, samples, component.Stride);
                }
        }
    }

    private static void Assemble(JpegFrame frame, JpegColourSpace space, RgbaImage image)
    {
        RowUpsampler[] planes = [.. frame.Components.Select(component => new RowUpsampler(component, frame))];
        for (int y = 0; y < frame.Height; y++)
        {
            ReadOnlySpan<byte> first = planes[0].Row(y);
            ReadOnlySpan<byte> second = planes.Length > 1 ? planes[1].Row(y) : default;
            ReadOnlySpan<byte> third = planes.Length > 1 ? planes[2].Row(y) : default;
            ReadOnlySpan<byte> fourth = planes.Length > 3 ? planes[3].Row(y) : default;
            JpegColour.Convert(space, first, second, third, fourth, image.Row(y));
        }
    }
}
