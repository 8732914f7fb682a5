using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Images.Png;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>What decoding takes: about three bytes for each pixel, whatever the file says, and a look at the limits before that.</summary>
public class DecodingMemoryTests
{
    private const int Width = 2051, Height = 1537;

    /// <summary>
    /// A few rows, tables and the ring of lossless WebP (8 MiB, less for pictures of fewer than two megapixels). The coefficients of a
    /// progressive JPEG must wait for the last scan: two bytes for each sample, one and a half samples for a pixel here.
    /// </summary>
    [TestCaseSource(typeof(FlatPictures), nameof(FlatPictures.Names))]
    public void APixelTakesThreeBytes(string name)
    {
        byte[] file = FlatPictures.Make(name, Width, Height);
        RgbImage.Decode(FlatPictures.Make(name, 64, 64)); // Whatever a first call allocates.
        long most = 3L * Width * Height + file.Length + (1 << 20)
            + (name == "jpeg progressive" ? 3L * 2064 * 1552 : name.Contains("webp") && name != "webp lossy" ? 4 << 21 : 0);

        long before = GC.GetAllocatedBytesForCurrentThread();
        var image = RgbImage.Decode(file);
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That((image.Width, image.Height, image.IsComplete), Is.EqualTo((Width, Height, true)));
        if (!name.StartsWith("webp lossy", StringComparison.Ordinal))
            Assert.That(image.Pixels.Span[3..].SequenceEqual(image.Pixels.Span[..^3]), Is.True, "flat");
        Assert.That(taken, Is.LessThanOrEqualTo(most));
    }

    [TestCaseSource(typeof(FlatPictures), nameof(FlatPictures.Names))]
    public void LimitsComeBeforeMemory(string name)
    {
        byte[] file = FlatPictures.Make(name, Width, Height);
        RgbImage.Decode(FlatPictures.Make(name, 64, 64));
        var options = new ImageOptions { MaxPixels = Width * Height - 1 };

        long before = GC.GetAllocatedBytesForCurrentThread();
        ImageFormatException? error = Assert.Throws<ImageFormatException>(() => RgbImage.Decode(file, options));
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(error!.Message, Does.Contain($"{Width}×{Height}").And.Contain("limit"));
        Assert.That(taken, Is.LessThan(1 << 18));
    }

    /// <summary>A file of 32 KB, or 16 of its kind in one request.</summary>
    [Test]
    public void TheDefaultLimitIs64Megapixels()
    {
        byte[] file = PngWriter.Flat(16384, 16384, 1, PngColourType.Greyscale);
        Assert.That(file, Has.Length.LessThan(40_000));
        Assert.That(() => RgbImage.Decode(file), Throws.TypeOf<ImageFormatException>().With.Message.Contains("67108864"));
        Assert.That(ImageOptions.Default.MaxPixels, Is.EqualTo(8192 * 8192));
    }

    [Test]
    public void OneEndlessRowIsRefused()
    {
        byte[] file = PngWriter.Flat((1 << 20) + 1, 1, 16, PngColourType.TruecolourAlpha);
        Assert.That(() => RgbImage.Decode(file), Throws.TypeOf<ImageFormatException>().With.Message.Contains("1048576"));
    }

    [Test]
    public void FilesAndStreamsAreReadUpToALimit()
    {
        byte[] file = File.ReadAllBytes(Golden.Path("images/made-rgb24.bmp"));
        string path = Golden.Path("images/made-rgb24.bmp");
        var exact = new ImageOptions { MaxFileBytes = file.Length };
        var less = new ImageOptions { MaxFileBytes = file.Length - 1 };

        Assert.That(RgbImage.Decode(new MemoryStream(file), exact).Pixels.Length, Is.GreaterThan(0));
        Assert.That(RgbImage.Decode(new Endless(file), exact with { MaxFileBytes = file.Length * 3 }).Pixels.Length, Is.GreaterThan(0));
        Assert.That(() => RgbImage.Decode(new MemoryStream(file), less), Throws.TypeOf<ImageFormatException>());
        Assert.That(() => RgbImage.Decode(new Endless(file, repeats: 1000), exact), Throws.TypeOf<ImageFormatException>());
        Assert.That(() => RgbImage.Load(path, less), Throws.TypeOf<ImageFormatException>().With.Message.StartsWith(path));
        Assert.That(async () => await RgbImage.DecodeAsync(new Endless(file, repeats: 1000), exact), Throws.TypeOf<ImageFormatException>());
    }

    [TestCase(0, 1, 1)]
    [TestCase(1, 0, 1)]
    [TestCase(1, 1, 0)]
    public void LimitsArePositive(long pixels, long bytes, int concurrent) => Assert.Throws<ArgumentOutOfRangeException>(
        () => RgbImage.Decode([1], new ImageOptions { MaxPixels = pixels, MaxFileBytes = bytes, ConcurrentDecodes = concurrent }));

    /// <summary>A stream that does not tell its length, with bytes behind the picture.</summary>
    private sealed class Endless(byte[] file, int repeats = 2) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int at = (int)(_position % file.Length), taken = _position >= (long)repeats * file.Length ? 0 : Math.Min(count, file.Length - at);
            file.AsSpan(at, taken).CopyTo(buffer.AsSpan(offset));
            _position += taken;
            return taken;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
