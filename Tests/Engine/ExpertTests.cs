using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Tests.Engine;

public class ExpertTests
{
    [Test]
    public void WeightsFollowTheRule()
    {
        (int[] experts, float[] weights) = Choose(new ExpertRouting(2, ExpertGate.Softmax, Normalize: false), [0, 1, 3, 2]);
        double sum = Math.Exp(0) + Math.Exp(1) + Math.Exp(3) + Math.Exp(2);
        Assert.That(experts, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(weights, Is.EqualTo(new[] { (float)(Math.Exp(3) / sum), (float)(Math.Exp(2) / sum) }).Within(1e-6));

        (_, weights) = Choose(new ExpertRouting(2, ExpertGate.Softmax, Normalize: true, Scale: 3), [0, 1, 3, 2]);
        Assert.That(weights.Sum(), Is.EqualTo(3).Within(1e-5));

        (_, float[] chosen) = Choose(new ExpertRouting(2, ExpertGate.SoftmaxOfChosen, Normalize: false), [0, 1, 3, 2]);
        Assert.That(chosen[0] / chosen[1], Is.EqualTo(Math.E).Within(1e-5));
    }

    [Test]
    public void ABiasChoosesButDoesNotWeigh()
    {
        (int[] experts, float[] weights) = Choose(new ExpertRouting(1, ExpertGate.Sigmoid, Normalize: false), [2, 0, 0, 0], bias: [0, 0, 5, 0]);
        Assert.That(experts[0], Is.EqualTo(2));
        Assert.That(weights[0], Is.EqualTo(0.5f));
    }

    [Test]
    public void EqualScoresGoToTheLowerNumber()
    {
        (int[] experts, _) = Choose(new ExpertRouting(3, ExpertGate.Softmax, Normalize: true), [1, 1, 1, 1]);
        Assert.That(experts, Is.EqualTo(new[] { 0, 1, 2 }));
    }

    [Test]
    public void OnlyTheBestGroupsAreUsed()
    {
        // The best single expert is in the group whose two best are worse together.
        (int[] experts, _) = Choose(
            new ExpertRouting(2, ExpertGate.Sigmoid, Normalize: true, Groups: 2, GroupsUsed: 1), [5, -5, -5, -5, 3, 3, -5, -5]);
        Assert.That(experts, Is.EqualTo(new[] { 4, 5 }));
    }

    [Test]
    public void AMixtureIsTheWeightedSumOfItsExperts([Values] bool add, [Values(1, 7)] int rows)
    {
        const int n = 16, f = 24, count = 5, used = 2;
        using var tensors = new TestTensors();
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        var options = new WeightOptions { Activations = ActivationPrecision.Float32 };
        var routerWeight = tensors.Scaled(2, 0, n, count);
        GatedMlp Network(TestTensors from) => new(Linear.Create(options, from.Random(n, 2 * f)), Linear.Create(options, from.Random(f, n)), Activation.Silu);
        using var sameTensors = new TestTensors(7);
        using var otherTensors = new TestTensors(7);
        GatedMlp[] plain = [.. Enumerable.Range(0, count).Select(_ => Network(sameTensors))];
        var routing = new ExpertRouting(used, ExpertGate.Softmax, Normalize: true);
        using var mixture = new MixtureOfExperts(
            Linear.Create(options, routerWeight), [], [.. Enumerable.Range(0, count).Select(_ => Network(otherTensors))], routing);

        Matrix x = tensors.Rows(rows, n), y = tensors.Rows(rows, n), expected = tensors.Rows(rows, n), part = tensors.Rows(1, n);
        y.CopyTo(expected);
        mixture.Forward(workspace, x, y, add);
        for (int i = 0; i < rows; i++)
        {
            (int[] experts, float[] weights) = Choose(routing, TestTensors.Product(routerWeight, x.RowSpan(i)));
            float[] sum = add ? expected.RowSpan(i).ToArray() : new float[n];
            for (int rank = 0; rank < used; rank++)
            {
                plain[experts[rank]].Forward(workspace, x.Slice(i, 1), part, add: false);
                for (int j = 0; j < n; j++) sum[j] += weights[rank] * part.RowSpan(0)[j];
            }

            Assert.That(y.RowSpan(i).ToArray(), Is.EqualTo(sum).Within(1e-5), $"row {i}");
        }

        foreach (var network in plain) network.Dispose();
    }

    private static (int[] Experts, float[] Weights) Choose(ExpertRouting routing, float[] scores, float[]? bias = null)
    {
        int[] experts = new int[routing.Used];
        float[] weights = new float[routing.Used];
        routing.Choose([.. scores], bias ?? [], experts, weights);
        return (experts, weights);
    }
}
