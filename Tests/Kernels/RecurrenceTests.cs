using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Recurrence;
using TinyMllm.Tests.Engine;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

public unsafe class RecurrenceTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void ConvolutionSumsTheLastRows([ValueSource(nameof(Isas))] Isa isa, [Values(3, 4)] int taps, [Values(1, 16, 37, 96)] int channels, [Values] bool biased)
    {
        using var scope = new IsaScope(isa);
        using var tensors = new TestTensors();
        Matrix x = tensors.Rows(taps, channels), w = tensors.Rows(taps, channels), b = tensors.Rows(1, channels), y = tensors.Rows(1, channels);
        float** inputs = stackalloc float*[taps];
        for (int j = 0; j < taps; j++) inputs[j] = x.Row(j);
        CausalConvolution.Row(inputs, w.Data, biased ? b.Data : null, y.Data, taps, channels);
        for (int c = 0; c < channels; c++)
        {
            float[] values = [.. Enumerable.Range(0, taps).Select(j => x.RowSpan(j)[c])], weights = [.. Enumerable.Range(0, taps).Select(j => w.RowSpan(j)[c])];
            Assert.That(y.Data[c], Is.EqualTo(CausalConvolution.Scalar(values, weights, biased ? b.Data[c] : 0)).Within(1e-6));
        }
    }

    [Test]
    public void ScanKeepsItsStates([ValueSource(nameof(Isas))] Isa isa, [Values(1, 8, 16, 21, 128)] int states)
    {
        using var scope = new IsaScope(isa);
        using var tensors = new TestTensors();
        Matrix s = tensors.Rows(1, states), a = tensors.Rows(1, states), b = tensors.Rows(5, states), c = tensors.Rows(5, states);
        for (int n = 0; n < states; n++) a.Data[n] = -MathF.Exp(a.Data[n]);
        float[] plain = s.RowSpan(0).ToArray();
        for (int t = 0; t < 5; t++)
        {
            float delta = 0.1f * (t + 1), u = 1 - (0.3f * t);
            float expected = SelectiveScan.Scalar(plain, a.RowSpan(0), b.RowSpan(t), c.RowSpan(t), delta, u);
            Assert.That(SelectiveScan.Step(s.Data, a.Data, b.Row(t), c.Row(t), delta, u, states), Is.EqualTo(expected).Within(1e-5));
            Assert.That(s.RowSpan(0).ToArray(), Is.EqualTo(plain).Within(1e-6));
        }
    }

    [Test]
    public void OneDecayForAllStatesIsTheScanWithEqualRates([ValueSource(nameof(Isas))] Isa isa, [Values(16, 21)] int states)
    {
        using var scope = new IsaScope(isa);
        using var tensors = new TestTensors();
        Matrix s = tensors.Rows(1, states), b = tensors.Rows(1, states), c = tensors.Rows(1, states);
        float[] plain = s.RowSpan(0).ToArray(), rates = new float[states];
        Array.Fill(rates, -0.7f);
        float expected = SelectiveScan.Scalar(plain, rates, b.RowSpan(0), c.RowSpan(0), 0.4f, 1.5f);
        Assert.That(SelectiveScan.StepWithDecay(s.Data, b.Data, c.Data, MathF.Exp(-0.7f * 0.4f), 0.4f * 1.5f, states), Is.EqualTo(expected).Within(1e-5));
        Assert.That(s.RowSpan(0).ToArray(), Is.EqualTo(plain).Within(1e-6));
    }

    [Test]
    public void DeltaRuleIsThePlainOne([ValueSource(nameof(Isas))] Isa isa, [Values(4, 16, 20, 128)] int size)
    {
        using var scope = new IsaScope(isa);
        using var tensors = new TestTensors();
        Matrix m = tensors.Rows(size, size), copy = tensors.Rows(size, size);
        m.CopyTo(copy);
        Matrix qkv = tensors.Rows(6, size), o = tensors.Rows(2, size);
        for (int t = 0; t < 2; t++)
        {
            float* q = qkv.Row(3 * t), k = q + size, v = k + size;
            DeltaRule.Step(m.Data, q, k, v, 0.9f, 0.6f, o.Row(0), size, size);
            DeltaRule.Scalar(copy.Data, q, k, v, 0.9f, 0.6f, o.Row(1), size, size);
            Assert.That(o.RowSpan(0).ToArray(), Is.EqualTo(o.RowSpan(1).ToArray()).Within(1e-3 * Math.Sqrt(size)));
        }

        for (int i = 0; i < size; i++) Assert.That(m.RowSpan(i).ToArray(), Is.EqualTo(copy.RowSpan(i).ToArray()).Within(1e-3));
    }
}
