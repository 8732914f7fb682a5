using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>Decoding on other threads: the same pictures, in turns, and it can be stopped.</summary>
public class AsyncDecodingTests
{
    private static string Picture => Golden.Path("images/made-rgb24.bmp");

    [Test]
    public async Task TheSamePictureAsAtOnce()
    {
        byte[] file = File.ReadAllBytes(Picture);
        ReadOnlyMemory<byte> expected = RgbImage.Load(Picture).Pixels;

        Assert.That((await RgbImage.LoadAsync(Picture)).Pixels.Span.SequenceEqual(expected.Span), Is.True);
        Assert.That((await RgbImage.DecodeAsync(file)).Pixels.Span.SequenceEqual(expected.Span), Is.True);
        Assert.That((await RgbImage.DecodeAsync(new MemoryStream(file))).Pixels.Span.SequenceEqual(expected.Span), Is.True);
    }

    [Test]
    public void ErrorsAreThoseOfLoad()
    {
        Assert.That(async () => await RgbImage.LoadAsync(Picture + ".none"), Throws.InstanceOf<IOException>());
        Assert.That(async () => await RgbImage.LoadAsync(typeof(RgbImage).Assembly.Location), Throws.TypeOf<ImageFormatException>());
        Assert.That(async () => await RgbImage.DecodeAsync(new byte[3]), Throws.TypeOf<ImageFormatException>());
    }

    [Test]
    public async Task NoMoreThanAskedForAtOnce()
    {
        var decoder = new Counting();
        var options = new ImageOptions { Decoder = decoder, ConcurrentDecodes = 3 };
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RgbImage.DecodeAsync(new byte[1], options)));
        Assert.That(decoder.Total, Is.EqualTo(20));
        Assert.That(decoder.Most, Is.LessThanOrEqualTo(3));
    }

    [Test]
    public async Task WaitingForATurnCanBeCancelled()
    {
        using var open = new ManualResetEventSlim();
        var options = new ImageOptions { Decoder = new Waiting(open), ConcurrentDecodes = 1 };
        Task<RgbImage> first = RgbImage.DecodeAsync(new byte[1], options);
        using var stop = new CancellationTokenSource();
        Task<RgbImage> second = RgbImage.DecodeAsync(new byte[1], options, stop.Token);
        await stop.CancelAsync();
        Assert.That(async () => await second, Throws.InstanceOf<OperationCanceledException>());
        open.Set();
        Assert.That((await first).Width, Is.EqualTo(1));
        Assert.That((await RgbImage.DecodeAsync(new byte[1], options)).Width, Is.EqualTo(1), "the turn was given back");
    }

    /// <summary>The decoders themselves look, not only who calls them.</summary>
    [TestCaseSource(typeof(FlatPictures), nameof(FlatPictures.Names))]
    public void EveryDecoderCanBeStopped(string name)
    {
        byte[] file = FlatPictures.Make(name, 64, 64);
        Assert.Throws<OperationCanceledException>(() => ImageDecoders.Managed.Decode(file, ImageOptions.Default, new CancellationToken(canceled: true)));
    }

    [Test]
    public void ACancelledPictureIsNotBegun()
    {
        var decoder = new Counting();
        Assert.That(() => RgbImage.Decode([1], new ImageOptions { Decoder = decoder }, new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(decoder.Total, Is.Zero);
    }

    private sealed class Counting : IImageDecoder
    {
        private int _now, _most, _total;

        public int Most => _most;

        public int Total => _total;

        public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default)
        {
            int now = Interlocked.Increment(ref _now);
            for (int most = _most; now > most; most = _most) Interlocked.CompareExchange(ref _most, now, most);
            Thread.Sleep(5);
            Interlocked.Decrement(ref _now);
            Interlocked.Increment(ref _total);
            return RgbImage.FromRgb([1, 2, 3], 1, 1);
        }
    }

    private sealed class Waiting(ManualResetEventSlim open) : IImageDecoder
    {
        public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default)
        {
            open.Wait(CancellationToken.None);
            return RgbImage.FromRgb([1, 2, 3], 1, 1);
        }
    }
}
