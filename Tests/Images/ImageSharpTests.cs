using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using TinyMllm.ImageSharp;
using TinyMllm.Loaders.Images;
using ImageFormatException = TinyMllm.Loaders.Images.ImageFormatException;

namespace TinyMllm.Tests.Images;

/// <summary>The adapter for SixLabors.ImageSharp: what the golden pictures do not show.</summary>
public class ImageSharpTests
{
    [Test]
    public void PicturesGoThereAndBack()
    {
        var pixels = new byte[5 * 3 * 3];
        new Random(1).NextBytes(pixels);
        var image = RgbImage.FromRgb(pixels, width: 5, height: 3);

        using Image<Rgb24> there = image.ToImageSharp();
        var back = there.ToRgbImage();

        Assert.That((there.Width, there.Height, there[4, 2]), Is.EqualTo((5, 3, new Rgb24(pixels[42], pixels[43], pixels[44]))));
        Assert.That((back.Width, back.Height), Is.EqualTo((5, 3)));
        Assert.That(back.Pixels.ToArray(), Is.EqualTo(pixels));
    }

    [Test]
    public void AlphaIsLaidOverTheBackground()
    {
        using var image = new Image<Rgba32>(2, 1);
        image[0, 0] = new Rgba32(10, 20, 30, 255);
        image[1, 0] = new Rgba32(10, 20, 30, 0);

        Assert.That(image.ToRgbImage().Pixels.ToArray(), Is.EqualTo(new byte[] { 10, 20, 30, 255, 255, 255 }));
        Assert.That(image.ToRgbImage(RgbColor.Black).Pixels.ToArray(), Is.EqualTo(new byte[] { 10, 20, 30, 0, 0, 0 }));
        Assert.That(image.ToRgbImage(background: null).Pixels.ToArray(), Is.EqualTo(new byte[] { 10, 20, 30, 10, 20, 30 }));
    }

    [TestCase("tiff"), TestCase("tga"), TestCase("gif")]
    public void FormatsOfItsOwnAreReadAndOnlyTheFirstFrame(string format)
    {
        using var image = new Image<Rgba32>(4, 2, new Rgba32(200, 100, 50, 255));
        image.Frames.AddFrame(new Image<Rgba32>(4, 2, new Rgba32(0, 0, 255, 255)).Frames.RootFrame);
        using var file = new MemoryStream();
        if (format == "tiff") image.SaveAsTiff(file);
        else if (format == "tga") image.SaveAsTga(file);
        else image.SaveAsGif(file);

        var read = RgbImage.Decode(file.ToArray(), new ImageOptions { Decoder = new ImageSharpDecoder() });

        Assert.That((read.Width, read.Height), Is.EqualTo((4, 2)));
        Assert.That(read.Pixels[..3].ToArray(), Is.EqualTo(new byte[] { 200, 100, 50 }));
    }

    [Test]
    public void TheLimitHoldsBeforeThePixelsAreDecoded()
    {
        using var image = new Image<Rgba32>(40, 30);
        using var file = new MemoryStream();
        image.SaveAsPng(file);
        var options = new ImageOptions { Decoder = new ImageSharpDecoder(), MaxPixels = 1199 };

        ImageFormatException? error = Assert.Throws<ImageFormatException>(() => RgbImage.Decode(file.ToArray(), options));

        Assert.That(error!.Message, Does.Contain("40").And.Contain("30"));
    }

    [Test]
    public void WhatIsNoPictureIsAnError()
    {
        var options = new ImageOptions { Decoder = new ImageSharpDecoder() };

        Assert.Throws<ImageFormatException>(() => RgbImage.Decode("this is no picture"u8, options));
        Assert.Throws<ImageFormatException>(() => RgbImage.Decode(default(ReadOnlySpan<byte>), options));
    }

    /// <summary>It is opt-in: referencing the package changes nothing.</summary>
    [Test]
    public void OurOwnDecoderIsTheDefault() => Assert.That(ImageDecoders.Default, Is.SameAs(ImageDecoders.Managed));
}
