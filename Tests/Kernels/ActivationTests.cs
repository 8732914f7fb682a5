using TinyMllm.Kernels;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Activations against double precision, at every width and length.</summary>
[TestFixture]
public sealed unsafe class ActivationTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void EveryWidthIsTheOracle([ValueSource(nameof(Isas))] Isa isa, [Values] Activation activation, [ValueSource(typeof(KernelData), nameof(KernelData.Lengths))] int length)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(length, length, 12), up = KernelData.Uniform(length, length, 3), y = new float[length];
        fixed (float* px = x, pu = up, py = y)
        {
            ActivationKernels.Apply(activation, px, py, length);
            for (int i = 0; i < length; i++) Assert.That(y[i], Is.EqualTo(ActivationKernels.Scalar(activation, x[i])).Within(3e-6 * Math.Max(1, Math.Abs(x[i]))), $"x = {x[i]}");
            ActivationKernels.ApplyGated(activation, px, pu, py, length);
            for (int i = 0; i < length; i++)
            {
                double expected = ActivationKernels.Scalar(activation, x[i]) * up[i];
                Assert.That(y[i], Is.EqualTo(expected).Within(3e-6 * Math.Max(1, Math.Abs(x[i] * up[i]))), $"x = {x[i]}");
            }
        }
    }

    [Test]
    public void OneByOneGivesTheSameBits([ValueSource(nameof(Isas))] Isa isa, [Values] Activation activation)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(100, 4, 30), y = new float[100], alone = new float[100];
        fixed (float* px = x, py = y, pa = alone)
        {
            ActivationKernels.Apply(activation, px, py, 100);
            for (int i = 0; i < 100; i++) ActivationKernels.Apply(activation, px + i, pa + i, 1);
        }

        Assert.That(alone, Is.EqualTo(y));
    }

    [Test]
    public void TheyStayFiniteFarOut(
        [ValueSource(nameof(Isas))] Isa isa, [Values(Activation.GeluTanh, Activation.GeluErf, Activation.GeluQuick, Activation.Silu)] Activation activation, [Values(1, 7, 64)] int repeated)
    {
        using var scope = new IsaScope(isa);
        foreach (float value in new[] { -1e30f, -1000, -100, 0, 100, 1000, 1e30f })
        {
            float[] y = [.. Enumerable.Repeat(value, repeated)];
            fixed (float* p = y) ActivationKernels.Apply(activation, p, p, repeated);
            Assert.That(y, Has.All.Matches<float>(float.IsFinite), $"{value}");
            if (value >= 0) Assert.That(y, Has.All.EqualTo(value).Within(1e-5).Percent);
            else if (value == -1000) Assert.That(y, Has.All.Matches<float>(v => Math.Abs(v) < 1e-30));
        }
    }

    [Test]
    public void CapsAreTheOracle([ValueSource(nameof(Isas))] Isa isa, [ValueSource(typeof(KernelData), nameof(KernelData.Lengths))] int length)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(length, length, 200), y = [.. x];
        fixed (float* py = y) SoftCap.Apply(py, 30, length);
        for (int i = 0; i < length; i++) Assert.That(y[i], Is.EqualTo(SoftCap.Scalar(x[i], 30)).Within(30 * 3e-7));
    }
}
