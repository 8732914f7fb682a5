namespace TinyMllm.Loaders.Images;

/// <summary>How a picture is turned into RGB pixels. The defaults suit pictures from anywhere.</summary>
public sealed record ImageOptions
{
    /// <summary>The defaults.</summary>
    public static ImageOptions Default { get; } = new();

    /// <summary>
    /// Turns the picture upright as its EXIF orientation says (default). Off: pixels as stored, which is what llama.cpp sees.
    /// </summary>
    public bool ApplyOrientation { get; init; } = true;

    /// <summary>
    /// Colour that shows through transparent pixels. Null (default) drops alpha and keeps the stored colour, as stb_image and so llama.cpp
    /// do.
    /// </summary>
    public RgbColor? Background { get; init; }

    /// <summary>Largest width × height that is decoded, in pixels; default 2²⁸ (256 Mi), at 4 bytes each while decoding.</summary>
    public long MaxPixels { get; init; } = 1L << 28;

    /// <summary>
    /// Accepts a picture whose data ends early or breaks off, keeping the part that could be read; <see cref="RgbImage.IsComplete"/> then
    /// is false. Off (default): such a picture is an <see cref="ImageFormatException"/>.
    /// </summary>
    public bool AcceptTruncated { get; init; }

    /// <summary>Decoder to use; null (default) takes <see cref="ImageDecoders.Default"/>.</summary>
    public IImageDecoder? Decoder { get; init; }
}
