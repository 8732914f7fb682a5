using TinyMllm.Engine.Sampling;

namespace TinyMllm.Tests.Sampling;

public class TopSelectionTests
{
    [TestCase(1, 1)]
    [TestCase(7, 3)]
    [TestCase(1000, 40)]
    [TestCase(1003, 1003)]
    [TestCase(33000, 500)]
    public void The_largest_agree_with_a_full_sort(int count, int k)
    {
        var random = new Random(count);
        // Few distinct values, so that ties are common: equal logits must come in id order.
        float[] logits = [.. Enumerable.Range(0, count).Select(_ => random.Next(-50, 50) / 4f)];
        ulong[] best = new ulong[k];
        TopSelection.Largest(logits, best);
        int[] expected = [.. Enumerable.Range(0, count).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(k)];
        Assert.That(best.Select(TopSelection.IdOf), Is.EqualTo(expected));
        Assert.That(best.Select(TopSelection.LogitOf), Is.EqualTo(expected.Select(i => logits[i])));
    }

    [Test]
    public void Keys_order_all_kinds_of_floats()
    {
        float[] descending = [float.PositiveInfinity, float.MaxValue, 1.5f, 1, float.Epsilon, 0, -float.Epsilon, -1, -1.5f, float.MinValue, float.NegativeInfinity];
        ulong[] keys = [.. descending.Select(value => TopSelection.Key(value, 5))];
        Assert.That(keys, Is.Ordered.Ascending);
        Assert.That(keys.Select(TopSelection.LogitOf), Is.EqualTo(descending));
        Assert.That(TopSelection.Key(-0f, 1), Is.EqualTo(TopSelection.Key(0f, 1)));
    }

    [TestCase(1)]
    [TestCase(8)]
    [TestCase(1001)]
    public void ArgMax_takes_the_first_of_equals(int count)
    {
        var random = new Random(count);
        float[] logits = [.. Enumerable.Range(0, count).Select(_ => random.Next(10) - 20f)];
        int expected = Array.IndexOf(logits, logits.Max());
        Assert.That(TopSelection.ArgMax(logits, [], idsAscend: true), Is.EqualTo(expected));
    }
}
