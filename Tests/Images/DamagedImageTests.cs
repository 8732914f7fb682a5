using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Images;

/// <summary>
/// Whatever the bytes are, a decoder returns a picture or throws <see cref="ImageFormatException"/>, soon, and in bounded memory.
/// </summary>
public class DamagedImageTests
{
    private const int LargestFile = 4096, FlipsPerFile = 150;

    private static readonly ImageOptions s_small = new() { MaxPixels = 1 << 18 };

    /// <summary>One or more small files of every kind, and of every way to code them.</summary>
    public static IEnumerable<string> Files =>
    [
        "made-pal.gif", "made-inter.gif", "made-pal8.bmp", "made-bit1.bmp", "made-gray.pgm", "made-alpha.png", "made-lossy.webp",
        "made-alpha_lossy.webp", "made-alpha_lossless.webp", "made-arith.jpg", "made-cmyk.jpg", "made-q10.jpg",
        "made-prog_restart.jpg", "made-restart.jpg", "made-exif_6.jpg", "made-j_33x65_ss2_b.jpg", "made-j_33x65_ss2_p.jpg",
        "jpeg-16bit-qtables.jpg", "jpeg-partial_progressive.jpg",
        "pngsuite-png-basi3p04.png", "pngsuite-png-basi6a16.png", "pngsuite-png-basn0g01.png",
        "pngsuite-png-tbrn2c08.png", "pngsuite-png-f99n0g04.png",
    ];

    [TestCaseSource(nameof(Files))]
    public void TruncatedAnywhere(string name)
    {
        byte[] file = Read(name);
        for (int length = 0; length < file.Length; length++)
        {
            DecodeOrRefuse(file.AsSpan(0, length), s_small);
            DecodeOrRefuse(file.AsSpan(0, length), s_small with { AcceptTruncated = true });
        }
    }

    [TestCaseSource(nameof(Files))]
    public void FlippedBits(string name)
    {
        byte[] file = Read(name);
        var random = new Random(17);
        for (int trial = 0; trial < FlipsPerFile; trial++)
        {
            byte[] damaged = [.. file];
            for (int flips = random.Next(1, 5); flips > 0; flips--) damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            DecodeOrRefuse(damaged, trial % 2 == 0 ? s_small : s_small with { AcceptTruncated = true });
        }
    }

    [TestCaseSource(nameof(Files))]
    public void OverwrittenBytes(string name)
    {
        byte[] file = Read(name);
        var random = new Random(18);
        ReadOnlySpan<byte> extremes = [0x00, 0xFF, 0x7F, 0x80];
        for (int trial = 0; trial < FlipsPerFile; trial++)
        {
            byte[] damaged = [.. file];
            int at = random.Next(damaged.Length), count = Math.Min(random.Next(1, 9), damaged.Length - at);
            damaged.AsSpan(at, count).Fill(extremes[random.Next(extremes.Length)]);
            DecodeOrRefuse(damaged, trial % 2 == 0 ? s_small : s_small with { AcceptTruncated = true });
        }
    }

    [TestCase("made-rgb.ppm", 1000)]
    [TestCase("made-rgb24.bmp", 2000)]
    [TestCase("made-pal.gif", 1200)]
    [TestCase("made-alpha.png", 700)]
    [TestCase("made-q100.jpg", 2500)]
    [TestCase("made-lossy.webp", 400)]
    [TestCase("made-alpha_lossless.webp", 900)]
    public void CutFilesAreRefusedOrMarked(string name, int length)
    {
        byte[] file = File.ReadAllBytes(Golden.Path($"images/{name}"));
        Assert.That(length, Is.LessThan(file.Length));

        Assert.Throws<ImageFormatException>(() => RgbImage.Decode(file.AsSpan(0, length)));

        var kept = RgbImage.Decode(file.AsSpan(0, length), new ImageOptions { AcceptTruncated = true });
        var whole = RgbImage.Decode(file);
        Assert.That(kept.IsComplete, Is.False);
        Assert.That(whole.IsComplete, Is.True);
        Assert.That((kept.Width, kept.Height), Is.EqualTo((whole.Width, whole.Height)));
    }

    [Test]
    public void EmptyAndForeignBytesAreRefused()
    {
        Assert.Throws<ImageFormatException>(() => RgbImage.Decode(ReadOnlySpan<byte>.Empty));
        ImageFormatException? error = Assert.Throws<ImageFormatException>(() => RgbImage.Decode("GGUF, not a picture"u8));
        Assert.That(error!.Message, Does.Contain("known format"));
    }

    [Test]
    public void ClaimedSizesAreCheckedBeforeAllocation()
    {
        byte[] png = File.ReadAllBytes(Golden.Path("images/pngsuite-png-basn2c08.png"));
        (png[16], png[20]) = (0x7F, 0x7F);
        Assert.Throws<ImageFormatException>(() => RgbImage.Decode(png));

        byte[] ppm = "P6 60000 60000 255\n"u8.ToArray();
        Assert.Throws<ImageFormatException>(() => RgbImage.Decode(ppm));
        Assert.Throws<ImageFormatException>(() => RgbImage.Decode("P6 8000 8000 255\n"u8, new ImageOptions { AcceptTruncated = true }));
    }

    private static byte[] Read(string name)
    {
        byte[] file = File.ReadAllBytes(Golden.Path($"images/{name}"));
        return file.Length <= LargestFile ? file : file[..LargestFile];
    }

    private static void DecodeOrRefuse(ReadOnlySpan<byte> file, ImageOptions options)
    {
        try
        {
            RgbImage.Decode(file, options);
        }
        catch (ImageFormatException error)
        {
            Assert.That(error.Message, Is.Not.Empty);
        }
    }
}
