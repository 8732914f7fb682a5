using TinyMllm.Kernels;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Norms and vector operations against double precision, at every width and length.</summary>
[TestFixture]
public sealed unsafe class NormTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void EveryWidthIsTheOracle([ValueSource(nameof(Isas))] Isa isa, [ValueSource(typeof(KernelData), nameof(KernelData.Lengths))] int length, [Values] bool weighted)
    {
        using var scope = new IsaScope(isa);
        const float epsilon = 1e-5f;
        float[] x = KernelData.Uniform(length, 1, 5), w = KernelData.Uniform(length, 2, 2), b = KernelData.Uniform(length, 3), y = new float[length], expected = new float[length];
        fixed (float* px = x, pw = w, pb = b, py = y)
        {
            NormalizationKernels.RmsNorm(px, weighted ? pw : null, py, length, epsilon);
            NormalizationKernels.Scalar(x, weighted ? w : [], [], expected, epsilon, centred: false);
            Assert.That(y, Is.EqualTo(expected).Within(1e-6 * Math.Max(1, expected.Max(Math.Abs))));

            NormalizationKernels.LayerNorm(px, weighted ? pw : null, weighted ? pb : null, py, length, epsilon);
            NormalizationKernels.Scalar(x, weighted ? w : [], weighted ? b : [], expected, epsilon, centred: true);
            Assert.That(y, Is.EqualTo(expected).Within(2e-6 * Math.Max(1, expected.Max(Math.Abs))));
        }
    }

    /// <summary>A mean far from zero: the variance must not be the difference of two large numbers.</summary>
    [Test]
    public void LayerNormCentresFirst([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        float[] x = [.. Enumerable.Range(0, 96).Select(i => 1000 + (i % 2 == 0 ? 1f : -1f))], y = new float[96];
        fixed (float* px = x, py = y) NormalizationKernels.LayerNorm(px, null, null, py, 96, 1e-6f);
        for (int i = 0; i < 96; i++) Assert.That(y[i], Is.EqualTo(i % 2 == 0 ? 1 : -1).Within(1e-4));
    }

    [Test]
    public void VectorOperationsAreTheirFormulas([ValueSource(nameof(Isas))] Isa isa, [ValueSource(typeof(KernelData), nameof(KernelData.Lengths))] int length)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(length, 1, 2), y = KernelData.Uniform(length, 2, 7), z = new float[length];
        fixed (float* px = x, py = y, pz = z)
        {
            double dot = x.Zip(y, (a, b) => (double)a * b).Sum();
            Assert.That(VectorKernels.Dot(px, py, length), Is.EqualTo(dot).Within(1e-6 * x.Zip(y, (a, b) => Math.Abs((double)a * b)).Sum()));
            VectorKernels.Multiply(px, py, pz, length);
            Assert.That(z, Is.EqualTo(x.Zip(y, (a, b) => a * b)));
            VectorKernels.Scale(px, 3, pz, length);
            Assert.That(z, Is.EqualTo(x.Select(a => a * 3)));
            VectorKernels.AddScaled(py, 0.5f, pz, length);
            Assert.That(z, Is.EqualTo(x.Zip(y, (a, b) => (a * 3) + (b * 0.5f))).Within(1e-6 * 10));
        }
    }
}
