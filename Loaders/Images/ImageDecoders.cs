namespace TinyMllm.Loaders.Images;

/// <summary>The decoders at hand.</summary>
public static class ImageDecoders
{
    /// <summary>Our own decoders: PNG, JPEG, BMP, PPM/PGM/PBM, GIF (first frame) and WebP.</summary>
    public static IImageDecoder Managed { get; } = new ManagedImageDecoder();

    /// <summary>
    /// What <see cref="RgbImage"/> uses when <see cref="ImageOptions.Decoder"/> is null. Set it once at start to bring another one.
    /// </summary>
    public static IImageDecoder Default
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value));
    }
    = Managed;
}
