namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>The frame header (T.81, B.2.2).</summary>
internal sealed class JpegFrame
{
    private JpegFrame(byte marker, int width, int height, JpegComponent[] components)
    {
        IsProgressive = marker is JpegMarker.Sof2 or JpegMarker.Sof10;
        IsArithmetic = marker >= JpegMarker.Sof9;
        (Width, Height, Components) = (width, height, components);
        MaxHorizontal = components.Max(component => component.HorizontalFactor);
        MaxVertical = components.Max(component => component.VerticalFactor);
    }

    /// <summary>Spectral selection and successive approximation, else each block is whole in one scan.</summary>
    public bool IsProgressive { get; }

    /// <summary>Arithmetic coding, else Huffman.</summary>
    public bool IsArithmetic { get; }

    /// <summary>Whether a scan held less data than its blocks need.</summary>
    public bool EndedEarly { get; set; }

    public int Width { get; }

    public int Height { get; }

    public JpegComponent[] Components { get; }

    public int MaxHorizontal { get; }

    public int MaxVertical { get; }

    /// <summary>Minimum coded units of a row: each covers 8·Hmax pixels.</summary>
    public int McusAcross => (Width + 8 * MaxHorizontal - 1) / (8 * MaxHorizontal);

    /// <summary>Rows of minimum coded units.</summary>
    public int McusDown => (Height + 8 * MaxVertical - 1) / (8 * MaxVertical);

    public static JpegFrame Parse(byte marker, ReadOnlySpan<byte> segment)
    {
        var reader = new ByteReader(segment, JpegDecoder.Name);
        int precision = reader.ReadByte(), height = reader.ReadUInt16BigEndian(), width = reader.ReadUInt16BigEndian();
        int count = reader.ReadByte();
        if (precision != 8) throw new ImageFormatException($"JPEG: samples of {precision} bits, expected 8");
        if (count is not (1 or 3 or 4)) throw new ImageFormatException($"JPEG: {count} components, expected 1, 3 or 4");
        if (width == 0 || height == 0) throw new ImageFormatException($"JPEG: picture of {width}×{height} pixels");

        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            byte id = reader.ReadByte(), factors = reader.ReadByte(), selector = reader.ReadByte();
            (int horizontal, int vertical) = (factors >> 4, factors & 15);
            if (horizontal is < 1 or > 4 || vertical is < 1 or > 4)
                throw new ImageFormatException($"JPEG: sampling factors {horizontal}×{vertical}, expected 1 to 4");
            if (selector > 3) throw new ImageFormatException($"JPEG: quantisation table {selector}, expected 0 to 3");
            components[i] = new JpegComponent
            {
                Id = id,
                HorizontalFactor = horizontal,
                VerticalFactor = vertical,
                QuantizationSelector = selector,
            };
        }

        return new JpegFrame(marker, width, height, components);
    }

    /// <summary>
    /// Most pixels that <paramref name="bytes"/> of entropy-coded data can describe. Huffman: a block takes a bit at least. Arithmetic: a
    /// decision of the surest state costs about 2⁻¹⁵ of a bit, a flat block a few of them; 4096 blocks in a byte are past any real picture.
    /// </summary>
    public long Describable(long bytes) => bytes * (IsArithmetic ? 4096 : 8) * (8 * MaxHorizontal) * (8 * MaxVertical);

    public void SetComponentSizes()
    {
        foreach (JpegComponent component in Components) component.SetSize(this);
    }
}
