namespace TinyMllm.Loaders.Images;

/// <summary>The one seam through which pictures come in: file bytes to pixels.</summary>
public interface IImageDecoder
{
    /// <summary>
    /// Decodes the first (or only) picture of a file. Implementations honour <see cref="ImageOptions.AcceptTruncated"/>, and write their
    /// rows to an <see cref="ImageCanvas"/>, which does the rest: limits, background and orientation. A decoder that allocates more than the
    /// canvas checks <see cref="ImageOptions.MaxPixels"/> before it does. Must be safe to call from several threads.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="options">What the user wants.</param>
    /// <param name="cancellationToken">Looked at after every few rows.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that this decoder reads.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default);
}

/// <summary>The decoders at hand.</summary>
public static class ImageDecoders
{
    /// <summary>Our own decoders: PNG, JPEG, BMP, PPM/PGM/PBM, GIF (first frame) and WebP.</summary>
    public static IImageDecoder Managed { get; } = new ManagedImageDecoder();

    /// <summary>What decodes where <see cref="ImageOptions.Decoder"/> is null: <see cref="Managed"/>, or what <see cref="Use"/> was given.</summary>
    public static IImageDecoder Default { get; private set; } = Managed;

    /// <summary>Makes a decoder the default of the whole process. Call it once, before the first picture is read.</summary>
    /// <param name="decoder">For instance the one of the package TinyMllm.ImageSharp.</param>
    public static void Use(IImageDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        Default = decoder;
    }
}
