using TinyMllm.Loaders.Images.Bmp;
using TinyMllm.Loaders.Images.Gif;
using TinyMllm.Loaders.Images.Jpeg;
using TinyMllm.Loaders.Images.Netpbm;
using TinyMllm.Loaders.Images.Png;
using TinyMllm.Loaders.Images.WebP;

namespace TinyMllm.Loaders.Images;

/// <summary>Tells the format from the first bytes and hands the file to its decoder.</summary>
internal sealed class ManagedImageDecoder : IImageDecoder
{
    public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (PngDecoder.Recognises(file)) return PngDecoder.Decode(file, options, cancellationToken);
        if (JpegDecoder.Recognises(file)) return JpegDecoder.Decode(file, options, cancellationToken);
        if (BmpDecoder.Recognises(file)) return BmpDecoder.Decode(file, options, cancellationToken);
        if (GifDecoder.Recognises(file)) return GifDecoder.Decode(file, options, cancellationToken);
        if (WebPDecoder.Recognises(file)) return WebPDecoder.Decode(file, options, cancellationToken);
        if (NetpbmDecoder.Recognises(file)) return NetpbmDecoder.Decode(file, options, cancellationToken);

        if (file.IsEmpty) throw new ImageFormatException("the file is empty");
        string start = Convert.ToHexString(file[..Math.Min(8, file.Length)]);
        throw new ImageFormatException($"not a picture of a known format (PNG, JPEG, BMP, PPM, GIF, WebP): starts with {start}");
    }
}
