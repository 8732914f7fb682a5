using TinyMllm.Kernels;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Picture resampling against hand-checked vectors and against the scalar oracles.</summary>
public sealed class ResamplingTests
{
    public enum Filter { Bilinear, Bicubic, Pillow }

    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    private static readonly byte[] Source =
    [
        0, 37, 74, 111, 148,
        91, 141, 191, 241, 35,
        182, 245, 52, 115, 178,
        17, 93, 169, 245, 65,
    ];

    [TestCase(Filter.Bilinear, 7, 3, new byte[] { 0, 24, 49, 74, 98, 123, 148, 136, 174, 169, 121, 159, 154, 106, 17, 67, 118, 169, 219, 184, 65 })]
    [TestCase(Filter.Bicubic, 7, 3, new byte[] { 0, 25, 53, 79, 106, 135, 150, 134, 176, 172, 156, 199, 135, 72, 74, 129, 138, 135, 191, 150, 103 })]
    [TestCase(Filter.Pillow, 7, 3, new byte[] { 17, 36, 72, 111, 145, 136, 110, 142, 183, 185, 122, 167, 151, 103, 59, 104, 139, 132, 196, 165, 95 })]
    [TestCase(Filter.Bilinear, 3, 6, new byte[] { 0, 74, 148, 54, 144, 80, 109, 163, 63, 163, 79, 149, 115, 98, 132, 17, 169, 65 })]
    [TestCase(Filter.Bicubic, 3, 6, new byte[] { 0, 62, 125, 56, 142, 163, 134, 160, 166, 182, 113, 139, 74, 131, 173, 7, 146, 195 })]
    [TestCase(Filter.Pillow, 3, 6, new byte[] { 7, 66, 136, 52, 139, 128, 129, 196, 126, 210, 115, 145, 129, 139, 147, 33, 184, 144 })]
    public void MatchesTheCheckVectors(Filter filter, int width, int height, byte[] expected)
    {
        byte[] grey = [.. Source.SelectMany(level => new[] { level, level, level })];
        foreach (bool scalar in new[] { true, false })
        {
            byte[] actual = Resample(filter, scalar, grey, 5, 4, width, height);
            for (int i = 0; i < expected.Length; i++)
                Assert.That((int)actual[i * 3 + 1], Is.EqualTo((int)expected[i]), $"pixel {i}, scalar {scalar}");
        }
    }

    [Test]
    public void FastEqualsScalar(
        [ValueSource(nameof(Isas))] Isa isa, [Values] Filter filter, [Values(1, 2, 33, 97)] int width, [Values(1, 3, 64)] int height, [Values(1, 5, 40, 200)] int target)
    {
        using var scope = new IsaScope(isa);
        var random = new Random(width * 1000 + height);
        byte[] source = new byte[width * height * 3];
        random.NextBytes(source);
        byte[] expected = Resample(filter, true, source, width, height, target, target + 7);
        byte[] actual = Resample(filter, false, source, width, height, target, target + 7);
        Assert.That(actual, Is.EqualTo(expected));
    }

    [Test]
    public void FlatPicturesStayFlat([Values] Filter filter)
    {
        byte[] source = new byte[31 * 17 * 3];
        Array.Fill(source, (byte)201);
        Assert.That(Resample(filter, false, source, 31, 17, 50, 9), Has.All.EqualTo(201));
    }

    [Test]
    public void PartsAreCutFromTheWhole([Values] Filter filter, [Values(20, 64, 150)] int height, [Values(23, 64, 90)] int targetHeight)
    {
        const int Width = 100, TargetWidth = 71, Left = 13, Top = 7, PartWidth = 41, PartHeight = 11;
        byte[] pixels = new byte[Width * height * 3];
        new Random(5).NextBytes(pixels);
        byte[] whole = Resample(filter, false, pixels, Width, height, TargetWidth, targetHeight);

        byte[] actual = new byte[PartWidth * PartHeight * 3];
        var source = new PixelView(pixels, Width, height);
        var target = new PixelTarget(actual, PartWidth, PartHeight);
        var part = new ResizedPart(TargetWidth, targetHeight, Left, Top);
        float[] scratch = new float[PointResampling.ScratchLength(PartWidth)];
        byte[] between = new byte[PillowResampling.ScratchBytes(source, PartWidth, targetHeight)];
        int[] taps = new int[PillowResampling.ScratchTaps(source, TargetWidth, targetHeight)];
        switch (filter)
        {
            case Filter.Bilinear: PointResampling.Resample<CornerBilinear>(source, part, target, scratch); break;
            case Filter.Bicubic: PointResampling.Resample<TopLeftBicubic>(source, part, target, scratch); break;
            default: PillowResampling.Resample(source, part, target, between, taps); break;
        }

        for (int y = 0; y < PartHeight; y++)
        {
            byte[] expected = whole[(((Top + y) * TargetWidth + Left) * 3)..][..(PartWidth * 3)];
            Assert.That(actual[(y * PartWidth * 3)..][..(PartWidth * 3)], Is.EqualTo(expected), $"row {y}");
        }
    }

    private static byte[] Resample(Filter filter, bool scalar, byte[] pixels, int width, int height, int targetWidth, int targetHeight)
    {
        var source = new PixelView(pixels, width, height);
        byte[] result = new byte[targetWidth * targetHeight * 3];
        var target = new PixelTarget(result, targetWidth, targetHeight);
        float[] scratch = new float[PointResampling.ScratchLength(targetWidth)];
        byte[] between = new byte[scalar ? height * targetWidth * 3 : PillowResampling.ScratchBytes(source, targetWidth, targetHeight)];
        int[] taps = new int[PillowResampling.ScratchTaps(source, targetWidth, targetHeight)];
        switch (filter, scalar)
        {
            case (Filter.Bilinear, true): PointResamplingScalar.Bilinear(source, target); break;
            case (Filter.Bicubic, true): PointResamplingScalar.Bicubic(source, target); break;
            case (Filter.Pillow, true): PillowResamplingScalar.Resample(source, target, between, taps); break;
            case (Filter.Bilinear, false): PointResampling.Resample<CornerBilinear>(source, target, scratch); break;
            case (Filter.Bicubic, false): PointResampling.Resample<TopLeftBicubic>(source, target, scratch); break;
            default: PillowResampling.Resample(source, target, between, taps); break;
        }

        return result;
    }
}
