using TinyMllm.Kernels;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Both pairings of the rotary embedding against the plain form.</summary>
[TestFixture]
public sealed unsafe class RotaryTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void EveryWidthIsTheOracle([ValueSource(nameof(Isas))] Isa isa, [Values(1, 2, 3, 5, 8, 13, 16, 20, 32, 48)] int pairs, [Values] bool adjacent)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(2 * pairs, 1, 3), angles = KernelData.Uniform(pairs, 2, 10), expected = [.. x];
        Rotary.RotateScalar(expected, angles, adjacent ? 2 : 1, adjacent ? 1 : pairs);
        float[] cos = new float[2 * pairs], sin = new float[2 * pairs];
        for (int i = 0; i < (adjacent ? 2 * pairs : pairs); i++)
        {
            // Half split reads a value per pair, adjacent pairs read it twice, the sine with the sign of its lane.
            (float s, float c) = MathF.SinCos(angles[adjacent ? i / 2 : i]);
            (cos[i], sin[i]) = (c, adjacent && i % 2 == 0 ? -s : s);
        }

        fixed (float* px = x, pc = cos, ps = sin)
        {
            if (adjacent) Rotary.RotateAdjacent(px, pc, ps, pairs);
            else Rotary.RotateHalves(px, pc, ps, pairs);
        }

        Assert.That(x, Is.EqualTo(expected).Within(1e-6));
    }
}
