namespace TinyMllm.Loaders.Images;

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
