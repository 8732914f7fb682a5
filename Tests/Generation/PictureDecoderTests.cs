using System.Runtime.CompilerServices;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Generation;

[TestFixture]
public class PictureDecoderTests
{
    [Test]
    public void APictureThatComesAgainIsNotDecodedAgain()
    {
        var decoder = new PictureDecoder(ImageOptions.Default);
        object content = new();
        int decoded = 0;
        RgbImage first = Decode(decoder, content, 10, ref decoded);
        Assert.That(Decode(decoder, content, 10, ref decoded), Is.SameAs(first));
        Assert.That(Decode(decoder, new object(), 10, ref decoded), Is.Not.SameAs(first));
        Assert.That(decoded, Is.EqualTo(2));
    }

    [Test]
    public void OnlySoManyBytesAreKept()
    {
        var decoder = new PictureDecoder(ImageOptions.Default);
        object[] contents = [.. Enumerable.Range(0, 5).Select(_ => new object())];
        int quarter = (int)(PictureDecoder.MostKept / 3 / 4), decoded = 0;
        foreach (object content in contents) Decode(decoder, content, quarter, ref decoded);
        Assert.That(decoded, Is.EqualTo(5));
        foreach (object content in contents[1..]) Decode(decoder, content, quarter, ref decoded);
        Assert.That(decoded, Is.EqualTo(5), "four are kept");
        Decode(decoder, contents[0], quarter, ref decoded);
        Assert.That(decoded, Is.EqualTo(6), "the oldest is gone");

        object large = new();
        for (int i = 0; i < 2; i++) Decode(decoder, large, 4 * quarter + 2, ref decoded);
        Assert.That(decoded, Is.EqualTo(8), "what is larger than all that is not kept");
    }

    [Test]
    public void WhatNobodyHasAnyMoreIsGivenBack()
    {
        var decoder = new PictureDecoder(ImageOptions.Default);
        object small = new(), large = new();
        WeakReference[] pictures = [Weak(decoder, small, 10), Weak(decoder, null, 10), Weak(decoder, large, (int)(PictureDecoder.MostKept / 3) + 1)];
        GC.Collect();
        Assert.That(pictures.Select(picture => picture.IsAlive), Is.EqualTo(new[] { true, false, false }));
        GC.KeepAlive(small);
        GC.KeepAlive(large);
        GC.KeepAlive(decoder);
    }

    [Test]
    public void AFailureLeavesTheTurnToTheNext()
    {
        var decoder = new PictureDecoder(new ImageOptions { ConcurrentDecodes = 7 });
        for (int i = 0; i < 20; i++)
            Assert.Throws<ImageFormatException>(() => decoder.Decode(new object(), (_, _) => throw new ImageFormatException("no"), default));
        Assert.That(decoder.Decode(new object(), (_, _) => RgbImage.FromRgb(new byte[3], 1, 1), default).Width, Is.EqualTo(1));
    }

    [Test]
    public void LargePicturesLiveAsLongAsTheirRequest()
    {
        long before = PictureMemory.BytesInUse;
        var options = new ImageOptions { Memory = new PictureMemory(heapUpTo: 300) };
        RgbImage small = Picture(10, 10), large = Picture(10, 11);
        Assert.That(PictureMemory.BytesInUse - before, Is.EqualTo(330));
        Assert.That(large.Pixels.Span[..3].ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(large.Pixels.Span[3..].ContainsAnyExcept((byte)0), Is.False);

        options.Memory.Dispose();
        Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before));
        Assert.That(small.Pixels.Span[0], Is.EqualTo(1));
        Assert.Throws<ObjectDisposedException>(() => _ = large.Pixels.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => Picture(10, 11));

        RgbImage Picture(int width, int height)
        {
            var canvas = new ImageCanvas(width, height, options);
            canvas.WriteRgb(0, [1, 2, 3]);
            return canvas.ToImage();
        }
    }

    private static RgbImage Decode(PictureDecoder decoder, object content, int width, ref int decoded)
    {
        int count = 0;
        using PictureMemory memory = PictureDecoder.CreateMemory();
        RgbImage image = decoder.Decode(content, (_, _) =>
        {
            count++;
            return RgbImage.FromRgb(new byte[width * 3], width, 1);
        }, new PictureScope(memory, default));
        decoded += count;
        return image;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Weak(PictureDecoder decoder, object? content, int width)
    {
        int decoded = 0;
        return new WeakReference(Decode(decoder, content ?? new object(), width, ref decoded));
    }
}
