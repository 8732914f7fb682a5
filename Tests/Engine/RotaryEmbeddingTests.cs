using TinyMllm.Engine;
using TinyMllm.Kernels;

namespace TinyMllm.Tests.Engine;

public class RotaryEmbeddingTests
{
    private const int Rows = 5;
    private const int Heads = 3;

    [Test]
    public void TurnsPairsByTheAngleOfTheFormula(
        [Values] RotaryPairing pairing, [Values(16, 40, 72, 96)] int headSize, [Values(1.0, 0.5)] double partial)
    {
        int dimensions = (int)(headSize * partial) & ~1;
        var rotary = RotaryEmbedding.Create(new RotaryOptions { Pairing = pairing, Dimensions = dimensions, Base = 1e4f, FrequencyScale = 0.25f });
        int[] positions = [0, 1, 7, 100, 1000];

        Check(rotary, headSize, positions, (row, p) => positions[row] * Math.Pow(1e4, -2.0 * p / dimensions) * 0.25, dimensions, pairing, 1);
    }

    [Test]
    public void FrequencyFactorsDivideAndMagnitudeMultiplies()
    {
        float[] factors = [1, 2, 4, 8];
        var rotary = RotaryEmbedding.Create(new RotaryOptions
        {
            Pairing = RotaryPairing.Adjacent, Dimensions = 8, Base = 5e5f, FrequencyFactors = factors, Magnitude = 1.19f,
        });
        int[] positions = [3, 4, 5, 6, 7];
        Check(rotary, 8, positions, (row, p) => positions[row] * Math.Pow(5e5, -2.0 * p / 8) / factors[p], 8, RotaryPairing.Adjacent, 1.19);
    }

    [Test]
    public void YarnLeavesFastPairsAndInterpolatesSlowOnes()
    {
        var options = new RotaryOptions
        {
            Pairing = RotaryPairing.HalfSplit, Dimensions = 128, Base = 10000, FrequencyScale = 1 / 8f, Yarn = new YarnOptions(4096, 8),
        };
        Assert.Multiple(() =>
        {
            Assert.That(options.Yarn!.Extrapolation(0, options), Is.EqualTo(1));
            Assert.That(options.Yarn!.Extrapolation(33, options), Is.InRange(0.01f, 0.99f));
            Assert.That(options.Yarn!.Extrapolation(63, options), Is.Zero);
            Assert.That(options.Yarn!.Magnitude, Is.EqualTo(1 + 0.1 * Math.Log(8)).Within(1e-6));
        });
    }

    [Test]
    public void SectionsReadTheAxisOfThePair()
    {
        var blocks = new RotarySections(2, 3, 3, 0, Interleaved: false);
        var turns = new RotarySections(24, 20, 20, 0, Interleaved: true);
        var original = turns with { LeftoverTurnsWithTime = true };
        Assert.Multiple(() =>
        {
            Assert.That(Enumerable.Range(0, 8).Select(blocks.Axis), Is.EqualTo(new[] { 0, 0, 1, 1, 1, 2, 2, 2 }));
            Assert.That(Enumerable.Range(0, 6).Select(turns.Axis), Is.EqualTo(new[] { 0, 1, 2, 0, 1, 2 }));
            Assert.That(new[] { 60, 61, 62, 63 }.Select(turns.Axis), Is.EqualTo(new[] { 0, 3, 3, 0 }), "the two pairs that no section covers");
            Assert.That(new[] { 60, 61, 62, 63 }.Select(original.Axis), Is.All.Zero);
        });
    }

    [Test]
    public void TextInAMultimodalModelTurnsLikePlainText()
    {
        var plain = RotaryEmbedding.Create(new RotaryOptions { Pairing = RotaryPairing.HalfSplit, Dimensions = 16 });
        var sections = RotaryEmbedding.Create(new RotaryOptions
        {
            Pairing = RotaryPairing.HalfSplit, Dimensions = 16, Sections = new RotarySections(2, 3, 3, 0, false),
        });
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        var a = plain.Prepare(workspace, [5, 6], 2);
        var b = sections.Prepare(workspace, [5, 6], 2);
        for (int i = 0; i < 2; i++) Assert.That(a.RowSpan(i).ToArray(), Is.EqualTo(b.RowSpan(i).ToArray()));
    }

    [Test]
    public void VisionFormsRestartTheFrequenciesForTheSecondAxis([Values(72, 80, 88)] int d)
    {
        int[] positions = [0, 1, 2, 3, 4, 9, 8, 7, 6, 5];
        double Angle(int row, int p, double theta, double secondScale) => p < d / 4
            ? positions[row] * Math.Pow(theta, -4.0 * p / d)
            : positions[Rows + row] * Math.Pow(theta, -4.0 * (p - d / 4) / d) * secondScale;

        Check(RotaryEmbedding.Split2D(d, 1e4f, true), d, positions, (r, p) => Angle(r, p, 1e4, Math.Pow(1e4, -2.0 / d)), d, RotaryPairing.Adjacent, 1);
        Check(RotaryEmbedding.Split2D(d, 1e4f, false), d, positions, (r, p) => Angle(r, p, 1e4, 1), d, RotaryPairing.Adjacent, 1);
        Check(RotaryEmbedding.VisionSections(d), d, positions, (r, p) => Angle(r, p, 1e4, 1), d, RotaryPairing.HalfSplit, 1);
    }

    [Test]
    public void HalvesOfTheHeadTurnByThemselves()
    {
        const int d = 32;
        int[] positions = [0, 1, 2, 3, 4, 9, 8, 7, 6, 5];
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        var x = Noise(workspace, d);
        float[][] before = [.. Enumerable.Range(0, Rows).Select(i => x.RowSpan(i).ToArray())];
        var rotary = RotaryEmbedding.SplitHalves(d);
        rotary.Apply(workspace, rotary.Prepare(workspace, positions, Rows), x, Heads, d);
        for (int i = 0; i < Rows; i++)
        {
            for (int h = 0; h < 2 * Heads; h++)
            {
                int axis = h % 2;
                float[] angles = [.. Enumerable.Range(0, d / 4).Select(p => (float)(positions[axis * Rows + i] * Math.Pow(100, -4.0 * p / d)))];
                Rotary.RotateScalar(before[i].AsSpan(h * d / 2, d / 2), angles, 1, d / 4);
            }

            Assert.That(x.RowSpan(i).ToArray(), Is.EqualTo(before[i]).Within(1e-5));
        }
    }

    [Test]
    public void RefusesWhatDoesNotFit()
    {
        Assert.That(() => RotaryEmbedding.Create(new RotaryOptions { Pairing = RotaryPairing.Adjacent, Dimensions = 7 }), Throws.ArgumentException);
        Assert.That(
            () => RotaryEmbedding.Create(new RotaryOptions { Pairing = RotaryPairing.Adjacent, Dimensions = 8, FrequencyFactors = [1] }),
            Throws.ArgumentException);
        Assert.That(() => RotaryEmbedding.VisionSections(10), Throws.ArgumentException);
    }

    private static void Check(
        RotaryEmbedding rotary, int headSize, int[] positions, Func<int, int, double> angle, int dimensions, RotaryPairing pairing, double magnitude)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        var x = Noise(workspace, headSize);
        float[][] before = [.. Enumerable.Range(0, Rows).Select(i => x.RowSpan(i).ToArray())];
        rotary.Apply(workspace, rotary.Prepare(workspace, positions, Rows), x, Heads, headSize);
        for (int i = 0; i < Rows; i++)
        {
            float[] angles = [.. Enumerable.Range(0, dimensions / 2).Select(p => (float)angle(i, p))];
            for (int h = 0; h < Heads; h++)
            {
                var head = before[i].AsSpan(h * headSize, headSize);
                for (int k = 0; k < dimensions; k++) head[k] *= (float)magnitude;
                if (pairing == RotaryPairing.Adjacent) Rotary.RotateScalar(head, angles, 2, 1);
                else Rotary.RotateScalar(head, angles, 1, dimensions / 2);
            }

            // Positions up to 1000 in single precision: the angle itself is known to about 1e-4.
            Assert.That(x.RowSpan(i).ToArray(), Is.EqualTo(before[i]).Within(5e-4), $"row {i}");
        }
    }

    private static Matrix Noise(Workspace workspace, int headSize)
    {
        var random = new Random(1);
        var x = workspace.Rent(Rows, Heads * headSize);
        for (int i = 0; i < Rows; i++)
            foreach (ref float value in x.RowSpan(i)) value = random.NextSingle() * 2 - 1;
        return x;
    }
}
