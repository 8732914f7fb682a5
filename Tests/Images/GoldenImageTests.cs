using System.Text.Json;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>
/// Every picture of goldens/images against what Pillow makes of it, with the tolerances of the README there; for both decoders.
/// </summary>
[TestFixtureSource(nameof(Decoders))]
public class GoldenImageTests(string decoderName)
{
    private readonly IImageDecoder _decoder = decoderName == Managed ? ImageDecoders.Managed : new TinyMllm.ImageSharp.ImageSharpDecoder();

    private const string Managed = "managed", ImageSharp = "ImageSharp";

    /// <summary>
    /// Pillow compares tRNS with samples that it has already scaled (4 bits) or cut (16 bits), and so misses the transparent colour of
    /// these two; we follow the PNG standard. Their colours must still be the same.
    /// </summary>
    private static readonly string[] s_missedTransparency = ["pngsuite-png-tbbn0g04.png", "pngsuite-png-tbwn0g16.png"];

    /// <summary>
    /// What ImageSharp 2.1 sees otherwise: a 16-bit PGM and restarts in a progressive JPEG, whose colours go wrong. Only the size is tested.
    /// </summary>
    private static readonly string[] s_otherInImageSharp = ["jpeg-turbo-monkey16.pgm", "made-prog_restart.jpg"];

    /// <summary>
    /// What ImageSharp 2.1 refuses: JPEG with arithmetic coding, IDAT chunks of one byte, a wrong checksum of IDAT; and interlaced PNGs of up to four columns, for which our adapter refuses it: its loop over the passes never ends.
    /// </summary>
    private static readonly string[] s_refusedByImageSharp =
        ["jpeg-turbo-testimgari.jpg", "made-arith.jpg", "pngsuite-png-oi9n0g16.png", "pngsuite-png-oi9n2c16.png",
         "pngsuite-png-s01i3p01.png", "pngsuite-png-s02i3p01.png", "pngsuite-png-s03i3p01.png", "pngsuite-png-s04i3p01.png", "pngsuite-png-xcsn0g01.png"];

    public static IEnumerable<string> Decoders => [Managed, ImageSharp];

    public static IEnumerable<string> Names
    {
        get
        {
            using var index = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("images/index.json")));
            return [.. index.RootElement.EnumerateObject().Select(entry => entry.Name)];
        }
    }

    public static IEnumerable<string> BrokenNames =>
        Directory.GetFiles(Golden.Path("images/broken")).Select(path => Path.GetFileName(path)).Order();

    [Test]
    public void AllPicturesAreHere() => Assert.That(Names.Count(), Is.EqualTo(254));

    /// <summary>Without alpha, and over black and over white, which together tell alpha.</summary>
    [Test]
    public void DecodesLikePillow([ValueSource(nameof(Names))] string name, [Values(null, "black", "white")] string? background)
    {
        string path = Golden.Path($"images/{name}");
        var expected = Npy.Load(path + ".npy");
        if (background is not null && s_missedTransparency.Contains(name)) return;

        RgbColor? colour = background switch { null => null, "black" => RgbColor.Black, _ => RgbColor.White };
        var options = new ImageOptions { Decoder = _decoder, Background = colour };
        if (decoderName == ImageSharp && s_refusedByImageSharp.Contains(name))
        {
            Assert.Throws<ImageFormatException>(() => RgbImage.Load(path, options));
            return;
        }

        var image = RgbImage.Load(path, options);

        Assert.That((image.Height, image.Width), Is.EqualTo((expected.Shape[0], expected.Shape[1])));
        if (decoderName == ImageSharp && s_otherInImageSharp.Contains(name)) return;
        (double mean, int largest) = Difference(image.Pixels.Span, Over(expected.Data, colour));
        (double meanLimit, int largestLimit) = Tolerance(name);
        Assert.That(mean, Is.LessThanOrEqualTo(meanLimit), "mean absolute difference");
        Assert.That(largest, Is.LessThanOrEqualTo(largestLimit), "largest difference");
    }

    [TestCaseSource(nameof(BrokenNames))]
    public void RefusesBrokenFiles(string name)
    {
        string path = Golden.Path($"images/broken/{name}");

        var options = new ImageOptions { Decoder = _decoder };
        ImageFormatException? error = Assert.Throws<ImageFormatException>(() => RgbImage.Load(path, options));

        Assert.That(error!.Message, Does.StartWith(path).And.Not.Contains("\n"));
    }

    /// <summary>
    /// The README allows JPEG and lossy WebP a mean of 1.0 (2.5 with subsampled chroma) and single values more. Our own decoders round
    /// every step as Pillow's libraries do and are held to equality. ImageSharp repeats subsampled chroma where the others interpolate it;
    /// on these small and colourful pictures that makes a mean of up to 14.9 (5×5 pixels).
    /// </summary>
    private (double Mean, int Largest) Tolerance(string name)
    {
        if (decoderName == Managed) return (0, 0);
        bool isLossy = name.EndsWith(".jpg", StringComparison.Ordinal) || name.EndsWith("lossy.webp", StringComparison.Ordinal);
        return isLossy ? (15, 255) : (1, 1);
    }

    private static byte[] Over(byte[] rgba, RgbColor? background)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        for (int i = 0; i < rgb.Length; i++)
        {
            int alpha = background is null ? 255 : rgba[i / 3 * 4 + 3];
            int under = background?.Red ?? 0; // Black or white: all channels alike.
            rgb[i] = (byte)Math.Round((rgba[i / 3 * 4 + i % 3] * alpha + under * (255 - alpha)) / 255.0);
        }

        return rgb;
    }

    private static (double Mean, int Largest) Difference(ReadOnlySpan<byte> found, ReadOnlySpan<byte> expected)
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
