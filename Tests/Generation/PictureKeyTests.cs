using System.Runtime.CompilerServices;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Generation;

[TestFixture]
public class PictureKeyTests
{
    [Test]
    public void EqualPicturesHaveEqualKeys([Values(1, 2, 3, 4, 5)] int width)
    {
        byte[] pixels = Pixels(width * 7);
        RgbImage first = RgbImage.FromRgb(pixels, width, 7), second = RgbImage.FromRgb([.. pixels], width, 7);
        PictureKey key = PictureKey.Of(first), other = PictureKey.Of(second);
        Assert.That(key, Is.EqualTo(other));
        Assert.That(key.GetHashCode(), Is.EqualTo(other.GetHashCode()));
        Assert.That(key.Picture, Is.SameAs(other.Picture), "they were compared, and need not be again");
        GC.KeepAlive((first, second));
    }

    [Test]
    public void EveryByteCounts()
    {
        byte[] pixels = Pixels(5 * 3);
        HashSet<PictureKey> keys = [PictureKey.Of(RgbImage.FromRgb(pixels, 5, 3))];
        for (int i = 0; i < pixels.Length; i++)
        {
            byte[] changed = [.. pixels];
            changed[i] ^= 1;
            Assert.That(keys.Add(PictureKey.Of(RgbImage.FromRgb(changed, 5, 3))), $"byte {i}");
        }

        Assert.That(keys.Select(key => key.GetHashCode()).Distinct().Count(), Is.EqualTo(keys.Count));
    }

    [Test]
    public void TheShapeCounts()
    {
        byte[] pixels = new byte[6 * 4 * 3];
        (int Width, int Height)[] shapes = [(6, 4), (4, 6), (24, 1), (1, 24), (2, 12), (5, 4), (6, 3)];
        Assert.That(shapes.Select(s => PictureKey.Of(RgbImage.FromRgb(pixels.AsSpan(0, s.Width * s.Height * 3), s.Width, s.Height))).Distinct().Count(),
            Is.EqualTo(shapes.Length));
    }

    /// <summary>Pixels that change behind a key's back stand for a collision: the hash is the same, the pixels are not.</summary>
    [Test]
    public void PixelsDecideWhereHashesAgree()
    {
        byte[] pixels = Pixels(12), same = [.. pixels];
        RgbImage first = RgbImage.FromRgb(pixels, 4, 3), second = RgbImage.FromRgb(same, 4, 3);
        PictureKey key = PictureKey.Of(first), other = PictureKey.Of(second);
        System.Runtime.InteropServices.MemoryMarshal.AsMemory(second.Pixels).Span[5] ^= 1;
        Assert.That(key, Is.Not.EqualTo(other));
        Assert.That(key.GetHashCode(), Is.EqualTo(other.GetHashCode()));
        GC.KeepAlive((first, second));
    }

    [Test]
    public void AKeyDoesNotKeepItsPictureButTheCacheDoes()
    {
        byte[] pixels = Pixels(12);
        var cache = new EmbeddingCache(1 << 20);
        (PictureKey lost, PictureKey kept) = Make(pixels, cache);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.That(lost.Picture, Is.Null);
        Assert.That(kept.Picture, Is.Not.Null);
        cache.GetOrEncode(PictureKey.Of(RgbImage.FromRgb(pixels, 3, 4)), 0, () => [], out bool encoded);
        Assert.That(encoded, Is.False);
        cache.GetOrEncode(lost, 0, () => [], out encoded);
        Assert.That(encoded, Is.True, "another shape");
        GC.KeepAlive(cache);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (PictureKey Lost, PictureKey Kept) Make(byte[] pixels, EmbeddingCache cache)
    {
        var kept = PictureKey.Of(RgbImage.FromRgb(pixels, 3, 4));
        cache.GetOrEncode(kept, 0, () => [1], out _);
        return (PictureKey.Of(RgbImage.FromRgb(pixels, 4, 3)), kept);
    }

    private static byte[] Pixels(int count)
    {
        byte[] pixels = new byte[count * 3];
        new Random(count).NextBytes(pixels);
        return pixels;
    }
}
