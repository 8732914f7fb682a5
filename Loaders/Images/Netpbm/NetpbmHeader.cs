namespace TinyMllm.Loaders.Images.Netpbm;

/// <summary>
/// The text in front of the samples: magic, width, height and (not for bitmaps) the largest sample value, with # comments between.
/// </summary>
/// <param name="Kind">Second byte of the magic: '1' … '6'.</param>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="MaxValue">Sample value of full brightness, 1 … 65535.</param>
internal readonly record struct NetpbmHeader(char Kind, int Width, int Height, int MaxValue)
{
    /// <summary>Bitmaps: one bit (or digit) per pixel, 1 is black.</summary>
    public bool IsBitmap => Kind is '1' or '4';

    /// <summary>Samples written as decimal text.</summary>
    public bool IsText => Kind <= '3';

    /// <summary>Samples of one pixel.</summary>
    public int Channels => Kind is '3' or '6' ? 3 : 1;

    public static NetpbmHeader Read(ref ByteReader reader)
    {
        char kind = (char)reader.Take(2)[1];
        int width = NetpbmText.ReadNumber(ref reader, "width");
        int height = NetpbmText.ReadNumber(ref reader, "height");
        int maxValue = kind is '1' or '4' ? 1 : NetpbmText.ReadNumber(ref reader, "maximum value");
        if (maxValue is < 1 or > 65535) throw new ImageFormatException($"PNM: maximum value {maxValue}, expected 1 to 65535");
        return new NetpbmHeader(kind, width, height, maxValue);
    }
}
