using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

public class RgbImageTests
{
    [Test]
    public void RawRgbKeepsItsPixelsWithAndWithoutStride()
    {
        var tight = RgbImage.FromRgb([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2, 2);
        var padded = RgbImage.FromRgb([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12], 2, 2, stride: 8);

        Assert.That(tight.Pixels.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }));
        Assert.That(padded.Pixels.ToArray(), Is.EqualTo(tight.Pixels.ToArray()));
        Assert.That((padded.Width, padded.Height, padded.IsComplete), Is.EqualTo((2, 2, true)));
    }

    [Test]
    public void RawSizesThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => RgbImage.FromRgb(new byte[11], 2, 2));
        Assert.Throws<ArgumentException>(() => RgbImage.FromRgb(new byte[100], 2, 2, stride: 5));
        Assert.Throws<ArgumentException>(() => RgbImage.FromRgba(new byte[15], 2, 2));
        Assert.Throws<ArgumentException>(() => RgbImage.FromRgb(new byte[10], int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => RgbImage.FromRgb(default, 0, 1));
    }

    [Test]
    public void AlphaIsDroppedOrShowsTheBackground([Values(1, 3, 4, 5, 16, 37)] int width)
    {
        var rgba = new byte[width * 4];
        new Random(3).NextBytes(rgba);
        byte[] dropped = RgbImage.FromRgba(rgba, width, 1, options: ImageOptions.AsStored).Pixels.ToArray();
        byte[] white = RgbImage.FromRgba(rgba, width, 1).Pixels.ToArray();

        for (int i = 0; i < width * 3; i++)
        {
            int colour = rgba[i / 3 * 4 + i % 3], alpha = rgba[i / 3 * 4 + 3];
            Assert.That(dropped[i], Is.EqualTo(colour));
            Assert.That(white[i], Is.EqualTo((int)Math.Round((colour * alpha + 255.0 * (255 - alpha)) / 255)));
        }
    }

    [Test]
    public void DecodedAlphaFollowsTheOption()
    {
        string path = Golden.Path("images/made-alpha.png");
        byte[] expected = Npy.Load(path + ".npy").Data;
        RgbImage dropped = RgbImage.Load(path, ImageOptions.AsStored), black = RgbImage.Load(path, new ImageOptions { Background = RgbColor.Black });

        int transparent = Enumerable.Range(0, expected.Length / 4).First(i => expected[i * 4 + 3] < 128 && expected[i * 4] > 0);
        Assert.That(dropped.Pixels.Span[transparent * 3], Is.EqualTo(expected[transparent * 4]));
        Assert.That(
            black.Pixels.Span[transparent * 3],
            Is.EqualTo((expected[transparent * 4] * expected[transparent * 4 + 3] + 127) / 255));
    }

    [Test]
    public void OrientationCanBeLeftAlone()
    {
        string path = Golden.Path("images/made-exif_6.jpg");
        RgbImage upright = RgbImage.Load(path), stored = RgbImage.Load(path, new ImageOptions { ApplyOrientation = false });

        Assert.That((upright.Width, upright.Height), Is.EqualTo((45, 67)));
        Assert.That((stored.Width, stored.Height), Is.EqualTo((67, 45)));
        // Turned clockwise, the first stored pixel is at the upper right.
        Assert.That(upright.Pixels.Slice((45 - 1) * 3, 3).ToArray(), Is.EqualTo(stored.Pixels[..3].ToArray()));
    }

    [TestCase(1, 1)]
    [TestCase(20000, 10)]
    [TestCase(10, 20000)]
    public void ExtremeShapes(int width, int height)
    {
        var samples = new byte[width * height * 3];
        new Random(4).NextBytes(samples);
        byte[] file = [.. System.Text.Encoding.ASCII.GetBytes($"P6\n# made here\n{width} {height}\n255\n"), .. samples];

        var image = RgbImage.Decode(file);

        Assert.That((image.Width, image.Height), Is.EqualTo((width, height)));
        Assert.That(image.Pixels.Span.SequenceEqual(samples), Is.True);
    }

    [Test]
    public void StreamsAndBytesGiveTheSamePicture()
    {
        byte[] file = File.ReadAllBytes(Golden.Path("images/made-rgb24.bmp"));
        using var stream = new MemoryStream(file);

        Assert.That(RgbImage.Decode(stream).Pixels.Span.SequenceEqual(RgbImage.Decode(file).Pixels.Span), Is.True);
    }

    [Test]
    public void ErrorsOfFilesNameThem()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.jpg");
        File.WriteAllText(path, "not a picture");
        try
        {
            Assert.That(() => RgbImage.Load(path), Throws.TypeOf<ImageFormatException>().With.Message.StartsWith(path));
        }
        finally
        {
            File.Delete(path);
        }

        Assert.That(() => RgbImage.Load(path), Throws.InstanceOf<IOException>());
    }

    [Test]
    public void LimitsAreTheUsersChoice() =>
        Assert.Throws<ImageFormatException>(
            () => RgbImage.Load(Golden.Path("images/jpeg-progressive3.jpg"), new ImageOptions { MaxPixels = 1000 }));

    [Test]
    public void AnotherDecoderCanTakeOver()
    {
        var decoder = new OnePixel();
        var image = RgbImage.Decode([1, 2, 3], new ImageOptions { Decoder = decoder });
        Assert.That(image.Pixels.ToArray(), Is.EqualTo(new byte[] { 7, 8, 9 }));
    }

    private sealed class OnePixel : IImageDecoder
    {
        public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default) =>
            RgbImage.FromRgb([7, 8, 9], 1, 1);
    }
}
