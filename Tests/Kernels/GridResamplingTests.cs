using TinyMllm.Kernels;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Resampling of position-embedding grids.</summary>
public sealed class GridResamplingTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [TestCase(6, 3, new[] { 3.0f, 3.5f, 4.1667f, 4.8333f, 5.5f, 6.0f }, new[] { 15.0f, 15.5f, 16.1667f, 16.8333f, 17.5f, 18.0f })]
    [TestCase(2, 2, new[] { 7.8571f, 9.4286f }, new[] { 23.5714f, 25.1429f })]
    public void AntialiasedLinearMatchesTheCheckVectors(int columns, int rows, float[] first, float[] second)
    {
        float[] actual = Resample<AntialiasedLinear>(columns, rows);
        Assert.That(actual[..columns], Is.EqualTo(first).Within(1e-4));
        Assert.That(actual[columns..(2 * columns)], Is.EqualTo(second).Within(1e-4));
    }

    [Test]
    public void EveryFilterKeepsAGridOfTheSameSize([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        float[] same = [.. Enumerable.Range(0, 16).Select(i => (float)(i / 4 * 10 + i % 4))];
        Assert.That(Resample<AntialiasedLinear>(4, 4), Is.EqualTo(same).Within(1e-5));
        Assert.That(Resample<CentredLinear>(4, 4), Is.EqualTo(same).Within(1e-5));
        Assert.That(Resample<CornerLinear>(4, 4), Is.EqualTo(same).Within(1e-5));
        Assert.That(Resample<CentredCubic>(4, 4), Is.EqualTo(same).Within(1e-5));
    }

    [Test]
    public void CornersStayInPlaceWhenAligned([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        float[] actual = Resample<CornerLinear>(7, 5);
        Assert.That(new[] { actual[0], actual[6], actual[28], actual[34] }, Is.EqualTo(new[] { 0f, 3f, 30f, 33f }).Within(1e-5));
    }

    /// <summary>A 4×4 grid of value 10·row + column, with three features to exercise the remainder of the vector loop.</summary>
    private static float[] Resample<TFilter>(int columns, int rows) where TFilter : struct, IGridFilter
    {
        const int features = 19;
        float[] grid = [.. Enumerable.Range(0, 16).SelectMany(i => Enumerable.Repeat((float)(i / 4 * 10 + i % 4), features))];
        float[] result = new float[columns * rows];
        float[] cell = new float[features];
        for (int i = 0; i < result.Length; i++)
        {
            GridResampling.Sample<TFilter>(grid, 4, 4, i % columns, i / columns, columns, rows, cell);
            Assert.That(cell, Has.All.EqualTo(cell[0]));
            result[i] = cell[0];
        }

        return result;
    }
}
