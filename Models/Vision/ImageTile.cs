using TinyMllm.Kernels.Resampling;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision;

/// <summary>
/// A piece of a picture in the size the encoder reads. Its pixels are resized from the picture when they are asked for, into memory of who asks: the tiles of a photograph would
/// take several times the memory of the photograph itself.
/// </summary>
public sealed class ImageTile
{
    private readonly RgbImage? _picture;
    private readonly PixelSize _whole;
    private readonly ResizeStyle _style;
    private readonly (int Left, int Top) _corner;
    private readonly PixelSize? _content;
    private readonly byte[] _pixels = [];

    /// <summary>A tile whose pixels are known.</summary>
    internal ImageTile(byte[] pixels, PixelSize size) => (_pixels, Size) = (pixels, size);

    /// <summary>
    /// The rectangle at <paramref name="corner"/> of <paramref name="picture"/> at size <paramref name="whole"/>; if
    /// <paramref name="content"/> is given, the picture has that size in the upper left corner of the whole.
    /// </summary>
    internal ImageTile(
        RgbImage picture, PixelSize whole, ResizeStyle style, (int Left, int Top) corner, PixelSize size, PixelSize? content = null) =>
        (_picture, _whole, _style, _corner, Size, _content) = (picture, whole, style, corner, size, content);

    /// <summary>Width and height in pixels.</summary>
    public PixelSize Size { get; }

    /// <summary>Bytes of the pixels.</summary>
    public int ByteCount => Size.Width * Size.Height * PixelView.Channels;

    /// <summary>Computes the pixels: 8-bit red, green, blue, row after row, not normalised yet.</summary>
    /// <param name="target">At least <see cref="ByteCount"/> bytes.</param>
    public void Render(Span<byte> target)
    {
        if (_picture is null) _pixels.CopyTo(target);
        else Resizer.Cut(_picture, _whole, _style, _corner, new PixelTarget(target, Size.Width, Size.Height), _content);
    }

    /// <summary>The pixels in memory of their own.</summary>
    public byte[] Render()
    {
        var pixels = new byte[ByteCount];
        Render(pixels);
        return pixels;
    }
}

/// <summary>The embeddings of one encoded tile and how they are arranged.</summary>
/// <param name="Columns">Embeddings per row.</param>
/// <param name="Rows">Rows.</param>
/// <param name="IsArea">
/// True if a language model with two-dimensional positions (M-RoPE) places them as an area; false: as a line, one after the other.
/// </param>
public readonly record struct TokenGrid(int Columns, int Rows, bool IsArea)
{
    /// <summary>Number of embeddings.</summary>
    public int Count => Columns * Rows;

    /// <summary>A plain sequence.</summary>
    public static TokenGrid Line(int count) => new(count, 1, false);

    /// <summary>A two-dimensional arrangement, row after row.</summary>
    public static TokenGrid Area(int columns, int rows) => new(columns, rows, true);
}
