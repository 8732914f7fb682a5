using System.IO.Compression;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Images.Png;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>
/// Lines drawn in black on nothing: most programs store transparent pixels as black, so without a background the picture is black all over.
/// </summary>
public class TransparencyTests
{
    private static string Folder => Path.Combine(Golden.Root, "Tests", "Fixtures", "transparency");

    [TestCase("line_alpha.png")]
    [TestCase("line_alpha.webp")]
    [TestCase("line_pal_trns.png")]
    [TestCase("line_trans.gif")]
    public void TransparentPicturesLookAsOnWhitePaper(string name)
    {
        RgbImage white = RgbImage.Load(Path.Combine(Folder, "line_white.png")), image = RgbImage.Load(Path.Combine(Folder, name));

        Assert.That((image.Width, image.Height), Is.EqualTo((white.Width, white.Height)));
        Assert.That(image.Pixels.Span.SequenceEqual(white.Pixels.Span), Is.True);
    }

    [TestCase("line_alpha.png")]
    [TestCase("line_alpha.webp")]
    [TestCase("line_pal_trns.png")]
    [TestCase("line_trans.gif")]
    public void TheBackgroundIsTheUsersChoice(string name)
    {
        string path = Path.Combine(Folder, name);
        RgbImage white = RgbImage.Load(path), stored = RgbImage.Load(path, ImageOptions.AsStored);
        var blue = RgbImage.Load(path, new ImageOptions { Background = new RgbColor(0, 0, 255) });

        Assert.That(white.Pixels[..3].ToArray(), Is.EqualTo(new byte[] { 255, 255, 255 }), "the corner is transparent");
        Assert.That(blue.Pixels[..3].ToArray(), Is.EqualTo(new byte[] { 0, 0, 255 }));
        Assert.That(stored.Pixels[..3].ToArray(), Is.EqualTo(new byte[] { 0, 0, 0 }));
    }

    /// <summary>tRNS names a grey level or a colour, at the file's own depth.</summary>
    [TestCase(0, 1, "01", "80", "0001")]
    [TestCase(0, 4, "C0", "30", "0003")]
    [TestCase(0, 8, "10", "20", "0020")]
    [TestCase(0, 16, "1001", "1002", "1002")]
    [TestCase(2, 8, "102030", "102031", "001000200031")]
    [TestCase(2, 16, "100120023003", "100120023004", "100120023004")]
    public void AColourMayMeanTransparent(int type, int depth, string opaque, string transparent, string key)
    {
        byte[] pixels = Decode(opaque), transparentPixels = Decode(transparent);
        Assert.That(pixels, Is.Not.EqualTo(new byte[] { 0, 0, 255 }));
        Assert.That(transparentPixels, Is.EqualTo(new byte[] { 0, 0, 255 }));

        byte[] Decode(string pixel)
        {
            byte[] file = Png((PngColourType)type, depth, Convert.FromHexString(pixel), Convert.FromHexString(key));
            return RgbImage.Decode(file, new ImageOptions { Background = new RgbColor(0, 0, 255) }).Pixels.ToArray();
        }
    }

    [Test]
    public void BlendsInEveryOrientation([Range(1, 8)] int orientation)
    {
        (int width, int height) = (5, 3);
        var rgba = new byte[width * height * 4];
        new Random(orientation).NextBytes(rgba);
        var stored = RgbImage.FromRgba(rgba, width, height);

        var canvas = new ImageCanvas(width, height, ImageOptions.Default, (ImageOrientation)orientation);
        for (int y = 0; y < height; y++) canvas.WriteRgba(y, rgba.AsSpan(y * width * 4, width * 4));
        RgbImage upright = canvas.ToImage();

        for (int y = 0; y < height; y++)
        {
                for (int x = 0; x < width; x++)
                {
                    // EXIF 2.32, 4.6.4 A: which sides the first stored row and column are.
                    (int right, int below) = (width - 1 - x, height - 1 - y);
                    (int u, int v) = orientation switch
                    {
                        1 => (x, y), 2 => (right, y), 3 => (right, below), 4 => (x, below),
                        5 => (y, x), 6 => (below, x), 7 => (below, right), _ => (y, right),
                    };
                    Assert.That(upright.Pixels.Slice((v * upright.Width + u) * 3, 3).ToArray(),
                        Is.EqualTo(stored.Pixels.Slice((y * width + x) * 3, 3).ToArray()), $"({x}, {y})");
                }
        }
    }

    [Test]
    public void ACanvasRefusesWhatLiesBesideIt()
    {
        var canvas = new ImageCanvas(4, 2, ImageOptions.Default);
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.WriteRgb(2, new byte[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.WriteRgb(-1, new byte[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.WriteRgb(0, new byte[15]));
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.WriteRgba(0, new byte[8], x: 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.WriteRgba(0, new byte[12], step: 2));
        Assert.Throws<ImageFormatException>(() => new ImageCanvas(4, 2, new ImageOptions { MaxPixels = 7 }));
    }

    /// <summary>One pixel with a tRNS chunk.</summary>
    private static byte[] Png(PngColourType type, int depth, byte[] pixel, byte[] transparency)
    {
        var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write([0, .. pixel]);
        return [.. PngDecoder.Signature, .. PngWriter.Chunk("IHDR", PngWriter.Header(1, 1, depth, type)), .. PngWriter.Chunk("tRNS", transparency),
            .. PngWriter.Chunk("IDAT", data.ToArray()), .. PngWriter.Chunk("IEND", [])];
    }
}
