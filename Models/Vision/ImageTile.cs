using TinyMllm.Kernels.Resampling;
using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision;

/// <summary>A piece of a picture in the size the encoder reads: 8-bit RGB, row-major, not normalised yet.</summary>
public sealed class ImageTile
{
    private readonly byte[] _pixels;

    internal ImageTile(byte[] pixels, PixelSize size) => (_pixels, Size) = (pixels, size);

    /// <summary>Width and height in pixels.</summary>
    public PixelSize Size { get; }

    /// <summary>Red, green, blue of every pixel, row after row.</summary>
    public ReadOnlyMemory<byte> Pixels => _pixels;

    internal PixelView View => new(_pixels, Size.Width, Size.Height);
}
