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
        Assert.That(PictureKey.Of(RgbImage.FromRgb(pixels, width, 7)), Is.EqualTo(PictureKey.Of(RgbImage.FromRgb([.. pixels], width, 7))));
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

        Assert.That(keys.Select(key => key.High).Distinct().Count(), Is.EqualTo(keys.Count));
        Assert.That(keys.Select(key => key.Low).Distinct().Count(), Is.EqualTo(keys.Count));
    }

    [Test]
    public void TheShapeCounts()
    {
        byte[] pixels = new byte[6 * 4 * 3];
        (int Width, int Height)[] shapes = [(6, 4), (4, 6), (24, 1), (1, 24), (2, 12), (5, 4), (6, 3)];
        Assert.That(shapes.Select(s => PictureKey.Of(RgbImage.FromRgb(pixels.AsSpan(0, s.Width * s.Height * 3), s.Width, s.Height))), Is.Unique);
    }

    private static byte[] Pixels(int count)
    {
        byte[] pixels = new byte[count * 3];
        new Random(count).NextBytes(pixels);
        return pixels;
    }
}
