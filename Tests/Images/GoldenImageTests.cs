using System.Text.Json;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>Every picture of goldens/images against what Pillow makes of it, with the tolerances of the README there.</summary>
public class GoldenImageTests
{
    /// <summary>
    /// Pillow compares tRNS with samples that it has already scaled (4 bits) or cut (16 bits), and so misses the transparent colour of these two;
    /// we follow the PNG standard. Their colours must still be the same.
    /// </summary>
    private static readonly string[] s_missedTransparency = ["pngsuite-png-tbbn0g04.png", "pngsuite-png-tbwn0g16.png"];

    public static IEnumerable<string> Names
    {
        get
        {
            using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("images/index.json")));
            return [.. index.RootElement.EnumerateObject().Select(entry => entry.Name)];
        }
    }

    public static IEnumerable<string> BrokenNames => Directory.GetFiles(Golden.Path("images/broken")).Select(path => Path.GetFileName(path)).Order();

    [Test]
    public void AllPicturesAreHere() => Assert.That(Names.Count(), Is.EqualTo(254));

    [TestCaseSource(nameof(Names))]
    public void DecodesLikePillow(string name)
    {
        string path = Golden.Path($"images/{name}");
        Npy expected = Npy.Load(path + ".npy");

        RgbaImage image = Upright.Turn(ImageDecoders.Default.Decode(File.ReadAllBytes(path), ImageOptions.Default));

        Assert.That((image.Height, image.Width), Is.EqualTo((expected.Shape[0], expected.Shape[1])));
        (double mean, int largest) = Difference(image.Pixels, expected.Data, s_missedTransparency.Contains(name));
        (double meanLimit, int largestLimit) = Tolerance(name);
        Assert.That(mean, Is.LessThanOrEqualTo(meanLimit), "mean absolute difference");
        Assert.That(largest, Is.LessThanOrEqualTo(largestLimit), "largest difference");
    }

    [TestCaseSource(nameof(BrokenNames))]
    public void RefusesBrokenFiles(string name)
    {
        string path = Golden.Path($"images/broken/{name}");

        ImageFormatException? error = Assert.Throws<ImageFormatException>(() => RgbImage.Load(path));

        Assert.That(error!.Message, Does.StartWith(path).And.Not.Contains("\n"));
    }

    /// <summary>
    /// The README allows JPEG and lossy WebP a mean of 1.0 (2.5 with subsampled chroma) and single values more. Our own decoders round every step as
    /// Pillow's libraries do and are held to equality; another registered decoder gets the README's room.
    /// </summary>
    private static (double Mean, int Largest) Tolerance(string name)
    {
        if (ImageDecoders.Default == ImageDecoders.Managed) return (0, 0);
        return name.EndsWith(".jpg", StringComparison.Ordinal) || name.EndsWith("lossy.webp", StringComparison.Ordinal) ? (2.5, 255) : (1, 1);
    }

    private static (double Mean, int Largest) Difference(byte[] found, byte[] expected, bool coloursOnly)
    {
        long sum = 0;
        int largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (coloursOnly && i % 4 == 3) continue;
            int difference = Math.Abs(found[i] - expected[i]);
            sum += difference;
            largest = Math.Max(largest, difference);
        }

        return ((double)sum / expected.Length, largest);
    }
}
