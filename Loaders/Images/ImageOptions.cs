namespace TinyMllm.Loaders.Images;

/// <summary>How a picture is turned into RGB pixels, and how much memory that may take. The defaults suit pictures from anywhere.</summary>
public sealed record ImageOptions
{
    /// <summary>The defaults.</summary>
    public static ImageOptions Default { get; } = new();

    /// <summary>
    /// Colours and rows as the file has them, which is what llama.cpp sees: alpha is dropped and the EXIF orientation is not applied.
    /// </summary>
    public static ImageOptions AsStored { get; } = new() { ApplyOrientation = false, Background = null };

    /// <summary>Turns the picture upright as its EXIF orientation says (default). Off: rows as stored.</summary>
    public bool ApplyOrientation { get; init; } = true;

    /// <summary>
    /// Colour that shows through transparent pixels; white by default, as in the preparation that the models were trained with.
    /// Null drops alpha and keeps the stored colour, which nobody sees in the picture and which is black in most files.
    /// </summary>
    public RgbColor? Background { get; init; } = RgbColor.White;

    /// <summary>
    /// Largest width × height that is decoded, in pixels; default 2²⁶ (64 Mi). Checked before any memory is taken: a decoded pixel takes
    /// 3 bytes, and a file of a few kilobytes can claim any size. A side has at most 2²⁰ pixels in any case.
    /// </summary>
    public long MaxPixels { get; init; } = 1L << 26;

    /// <summary>Largest file that is read, in bytes; default 2²⁹ (512 MiB). The file is in memory while it is decoded.</summary>
    public long MaxFileBytes { get; init; } = 1L << 29;

    /// <summary>
    /// Pictures that are decoded at once, default 2; others wait for their turn. It counts all asynchronous decoding of this process that
    /// asks for the same number, and the pictures in requests of a chat client; <see cref="RgbImage.Load"/> and
    /// <see cref="RgbImage.Decode(ReadOnlySpan{byte}, ImageOptions?, CancellationToken)"/> work at once on the calling thread.
    /// </summary>
    public int ConcurrentDecodes { get; init; } = 2;

    /// <summary>
    /// Accepts a picture whose data ends early or breaks off, keeping the part that could be read; <see cref="RgbImage.IsComplete"/> then
    /// is false. Off (default): such a picture is an <see cref="ImageFormatException"/>.
    /// </summary>
    public bool AcceptTruncated { get; init; }

    /// <summary>Decoder to use; null (default) takes <see cref="ImageDecoders.Default"/>.</summary>
    public IImageDecoder? Decoder { get; init; }

    /// <summary>Where the pixels of large pictures go; null: all in the heap.</summary>
    internal PictureMemory? Memory { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not positive.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPixels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxFileBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ConcurrentDecodes);
    }
}

/// <summary>An 8-bit colour without alpha.</summary>
/// <param name="Red">Red, 0 to 255.</param>
/// <param name="Green">Green, 0 to 255.</param>
/// <param name="Blue">Blue, 0 to 255.</param>
public readonly record struct RgbColor(byte Red, byte Green, byte Blue)
{
    /// <summary>(255, 255, 255).</summary>
    public static RgbColor White => new(255, 255, 255);

    /// <summary>(0, 0, 0).</summary>
    public static RgbColor Black => default;
}
