using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Tests.Kernels;

/// <summary>Activations and norms against double precision, at lengths that leave every kind of tail.</summary>
[TestFixture]
public unsafe class ElementwiseTests
{
    private static readonly int[] Lengths = [1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100];

    [Test]
    public void ActivationsMatchTheOracle([Values] Activation activation, [ValueSource(nameof(Lengths))] int length)
    {
        float[] x = Values(length, 12), up = Values(length, 3), y = new float[length];
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

    [TestCase(Activation.GeluTanh)]
    [TestCase(Activation.GeluErf)]
    [TestCase(Activation.GeluQuick)]
    [TestCase(Activation.Silu)]
    public void ActivationsStayFiniteFarOut(Activation activation)
    {
        float[] x = [-1e30f, -1000, -100, 0, 100, 1000, 1e30f], y = new float[7];
        fixed (float* px = x, py = y) ActivationKernels.Apply(activation, px, py, 7);
        Assert.That(y, Is.All.Matches<float>(float.IsFinite));
        Assert.That(y[3], Is.Zero);
        Assert.That(y[4..], Is.EqualTo(x[4..]).Within(1e-5).Percent);
        Assert.That(Math.Abs(y[1]), Is.LessThan(1e-30));
    }

    [Test]
    public void NormsMatchTheOracle([ValueSource(nameof(Lengths))] int length, [Values] bool weighted)
    {
        const double epsilon = 1e-5;
        float[] x = Values(length, 5), w = Values(length, 2), b = Values(length, 1), y = new float[length];
        fixed (float* px = x, pw = w, pb = b, py = y)
        {
            NormalizationKernels.RmsNorm(px, weighted ? pw : null, py, length, (float)epsilon);
            double rms = Math.Sqrt(x.Average(v => (double)v * v) + epsilon);
            for (int i = 0; i < length; i++) Assert.That(y[i], Is.EqualTo(x[i] / rms * (weighted ? w[i] : 1)).Within(2e-5));

            NormalizationKernels.LayerNorm(px, weighted ? pw : null, weighted ? pb : null, py, length, (float)epsilon);
            double mean = x.Average(v => (double)v), deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + epsilon);
            for (int i = 0; i < length; i++)
                Assert.That(y[i], Is.EqualTo(((x[i] - mean) / deviation * (weighted ? w[i] : 1)) + (weighted ? b[i] : 0)).Within(2e-5));
        }
    }

    [Test]
    public void VectorOperationsMatchTheOracle([ValueSource(nameof(Lengths))] int length)
    {
        float[] x = Values(length, 2), y = Values(length, 7), z = new float[length];
        fixed (float* px = x, py = y, pz = z)
        {
            double dot = x.Zip(y, (a, b) => (double)a * b).Sum();
            Assert.That(VectorKernels.Dot(px, py, length), Is.EqualTo(dot).Within(1e-5 * length));
            VectorKernels.Multiply(px, py, pz, length);
            Assert.That(z, Is.EqualTo(x.Zip(y, (a, b) => a * b)));
            VectorKernels.Scale(px, 3, pz, length);
            Assert.That(z, Is.EqualTo(x.Select(a => a * 3)));
            VectorKernels.AddScaled(py, 0.5f, pz, length);
            Assert.That(z, Is.EqualTo(x.Zip(y, (a, b) => (a * 3) + (b * 0.5f))).Within(1e-5));
        }
    }

    private static float[] Values(int length, float range)
    {
        var random = new Random(length);
        return [.. Enumerable.Range(0, length).Select(_ => range * (float)((2 * random.NextDouble()) - 1))];
    }
}
