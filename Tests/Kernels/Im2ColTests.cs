using TinyMllm.Kernels;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Normalisation, patch and convolution unfolding, depthwise convolution against their formulas.</summary>
public sealed class Im2ColTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    private static readonly float[] Mean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] Std = [0.26862954f, 0.26130258f, 0.27577711f];

    [Test]
    public void NormalizationIsTheFormulaBitForBit([ValueSource(nameof(Isas))] Isa isa, [Values(3, 45, 48, 51, 768)] int length)
    {
        using var scope = new IsaScope(isa);
        byte[] pixels = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 37))];
        float[] values = new float[length];
        new PixelNormalization(Mean, Std).Apply(pixels, values);
        Assert.That(values, Is.EqualTo(pixels.Select((p, i) => (p / 255f - Mean[i % 3]) / Std[i % 3]).ToArray()));
    }

    [Test]
    public void PatchesHoldTheirPixels()
    {
        const int width = 21, height = 14, size = 7;
        byte[] pixels = new byte[width * height * 3];
        new Random(1).NextBytes(pixels);
        float[] patch = new float[size * size * 3];
        PatchUnfolding.Unfold(new PixelView(pixels, width, height), 2, 1, size, new PixelNormalization([0, 0, 0], [1, 1, 1]), patch);
        for (int i = 0; i < patch.Length; i++)
        {
            (int ky, int kx, int channel) = (i / (size * 3), i / 3 % size, i % 3);
            Assert.That(patch[i], Is.EqualTo(pixels[((size + ky) * width + 2 * size + kx) * 3 + channel] / 255f));
        }
    }

    [Test]
    public void ConvolutionsMatchTheFormula([ValueSource(nameof(Isas))] Isa isa, [Values(1, 2)] int stride)
    {
        using var scope = new IsaScope(isa);
        const int columns = 5, rows = 4, channels = 21, kernel = 3;
        var random = new Random(2);
        float[] map = [.. Enumerable.Range(0, columns * rows * channels).Select(_ => random.NextSingle() - 0.5f)];
        float[] weights = [.. Enumerable.Range(0, kernel * kernel * channels).Select(_ => random.NextSingle() - 0.5f)];
        float[] window = new float[kernel * kernel * channels];
        float[] cell = new float[channels], plain = new float[channels];
        for (int y = 0; y < (rows + 1) / stride - (stride - 1); y++)
        {
            for (int x = 0; x < columns / stride; x++)
            {
                Array.Fill(cell, 0.25f);
                DepthwiseConvolution.Accumulate(map, columns, rows, weights, kernel, stride, 1, x, y, cell);
                Array.Fill(plain, 0.25f);
                DepthwiseConvolution.Scalar(map, columns, rows, weights, kernel, stride, 1, x, y, plain);
                ConvolutionUnfolding.Unfold(map, columns, rows, channels, x, y, kernel, stride, 1, window);
                for (int c = 0; c < channels; c++)
                {
                    double sum = 0.25;
                    for (int k = 0; k < kernel * kernel; k++)
                    {
                        (int sy, int sx) = (y * stride - 1 + k / kernel, x * stride - 1 + k % kernel);
                        float value = sx is >= 0 and < columns && sy is >= 0 and < rows ? map[(sy * columns + sx) * channels + c] : 0;
                        Assert.That(window[k * channels + c], Is.EqualTo(value));
                        sum += weights[k * channels + c] * value;
                    }

                    Assert.That(cell[c], Is.EqualTo(sum).Within(1e-6));
                    Assert.That(cell[c], Is.EqualTo(plain[c]));
                }
            }
        }
    }
}
