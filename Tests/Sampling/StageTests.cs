using TinyMllm.Engine.Sampling;
using TinyMllm.Engine.Sampling.Stages;

namespace TinyMllm.Tests.Sampling;

/// <summary>Each stage on probabilities small enough to work out by hand.</summary>
public class StageTests
{
    [TestCase(new[] { 0.1f, 0.2f, 0.3f, 0.4f }, 1, new[] { 3 })]
    [TestCase(new[] { 0.1f, 0.2f, 0.3f, 0.4f }, 3, new[] { 3, 2, 1 })]
    [TestCase(new[] { 0.25f, 0.25f, 0.25f, 0.25f }, 2, new[] { 0, 1 })]
    [TestCase(new[] { 0.1f, 0.9f }, 9, new[] { 1, 0 })]
    public void TopK_keeps_the_best(float[] p, int k, int[] kept) => Assert.That(After(new TopK(k), p), Is.EqualTo(kept));

    [TestCase(0f, 0, new[] { 3 })]
    [TestCase(0.4f, 0, new[] { 3 }, Description = "reached exactly")]
    [TestCase(0.7f, 0, new[] { 3, 2 })]
    [TestCase(0.8f, 0, new[] { 3, 2, 1 })]
    [TestCase(0.2f, 3, new[] { 3, 2, 1 }, Description = "minKeep")]
    public void TopP_keeps_the_nucleus(float threshold, int minKeep, int[] kept)
    {
        float[] p = [0.1f, 0.2f, 0.2999f, 0.4001f];
        Assert.That(After(new TopP(threshold, minKeep), p), Is.EqualTo(kept));
        Assert.That(After([new TopK(4), new TopP(threshold, minKeep)], p), Is.EqualTo(kept), "sorted before");
    }

    [TestCase(0.24f, 0, new[] { 1, 2, 3 }, Description = "0.24 x 0.4 = 0.096 would keep 0.1; see the logit of 0.0951")]
    [TestCase(0.26f, 0, new[] { 1, 2, 3 })]
    [TestCase(0.51f, 0, new[] { 2, 3 })]
    [TestCase(0.76f, 0, new[] { 3 })]
    [TestCase(1f, 0, new[] { 3 })]
    [TestCase(0.76f, 2, new[] { 3, 2 }, Description = "minKeep sorts")]
    public void MinP_cuts_at_a_share_of_the_best(float share, int minKeep, int[] kept) =>
        Assert.That(After(new MinP(share, minKeep), [0.0951f, 0.2f, 0.3f, 0.4f]), Is.EqualTo(kept));

    [Test]
    public void Typical_prefers_the_expected_surprise()
    {
        // Entropy of (0.97, 3 x 0.01) is 0.168: only the first is near. Of (0.4, 3 x 0.2) it is 1.332: -ln 0.2 = 1.609 is nearer than -ln 0.4 = 0.916.
        Assert.That(After(new Typical(0.5f, 0), [0.97f, 0.01f, 0.01f, 0.01f]), Is.EqualTo(new[] { 0 }));
        Assert.That(After(new Typical(0.5f, 0), [0.4f, 0.2f, 0.2f, 0.2f]), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(After(new Typical(0.5f, 4), [0.97f, 0.01f, 0.01f, 0.01f]), Has.Length.EqualTo(4));
    }

    [TestCase(0.99f, 0.25f, 0, new[] { 1, 2, 3 }, Description = "0.4 goes, 0.3 is the least likely above")]
    [TestCase(0.99f, 0.19f, 0, new[] { 2, 3 })]
    [TestCase(0.99f, 0.09f, 0, new[] { 3 })]
    [TestCase(0.99f, 0.35f, 0, new[] { 0, 1, 2, 3 }, Description = "a single top choice stays")]
    [TestCase(0.99f, 0.09f, 2, new[] { 0, 1, 2, 3 }, Description = "minKeep")]
    public void Xtc_excludes_top_choices(float chance, float threshold, int minKeep, int[] kept) =>
        Assert.That(After(new Xtc(chance, threshold, minKeep, seed: 1), [0.4f, 0.3f, 0.2f, 0.1f]), Is.EqualTo(kept));

    [Test]
    public void Xtc_acts_with_its_chance()
    {
        var stage = new Xtc(0.3f, 0.1f, 0, seed: 5);
        int acted = Enumerable.Range(0, 10000).Count(_ => After(stage, [0.4f, 0.3f, 0.2f, 0.1f]).Length < 4);
        Assert.That(acted / 10000.0, Is.EqualTo(0.3).Within(0.02));
    }

    [Test]
    public void TopNSigma_cuts_by_standard_deviations()
    {
        // mean 1, variance (9 + 4·... ) of 4, 0, 0, 0: 3; sigma 1.732.
        var candidates = Load([4, 0, 0, 0, float.NegativeInfinity]);
        new TopNSigma(2.4f).Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { 4, 0, 0, 0, float.NegativeInfinity }));
        new TopNSigma(2.3f).Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { 4, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity }));
    }

    [Test]
    public void Penalties_depend_on_sign_and_count([Values] bool sortedBefore)
    {
        var stage = new Penalties(vocabularySize: 4, window: 3, repeat: 2, frequency: 0.25f, presence: 0.5f);
        foreach (int token in new[] { 3, 0, 1, 1 }) stage.Accept(token); // the 3 has left the window
        var candidates = Load([4, -1, 0, 8]);
        if (sortedBefore) candidates.Sort();
        stage.Apply(candidates);
        candidates.Sort();
        Assert.That(Pairs(candidates), Is.EqualTo(new[] { (3, 8f), (0, 4 / 2f - 0.75f), (2, 0f), (1, -1 * 2f - 1f) }));
        stage.Reset();
        candidates = Load([4, -1, 0, 8]);
        stage.Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { 4f, -1, 0, 8 }));
    }

    [Test]
    public void Temperature_divides_and_at_zero_leaves_the_first_best()
    {
        var candidates = Load([1, 3, 3, -2]);
        new Temperature(0.5f, 0, 1).Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { 2f, 6, 6, -4 }));
        new Temperature(0, 0, 1).Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { float.NegativeInfinity, 6, float.NegativeInfinity, float.NegativeInfinity }));
    }

    [Test]
    public void Dynamic_temperature_follows_the_entropy()
    {
        // Uniform: full entropy, so the high end 0.8 + 0.5.
        var candidates = Load([1, 1, 1, 1]);
        new Temperature(0.8f, 0.5f, 1).Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.All.EqualTo(1 / 1.3f).Within(1e-5));

        // Certain: no entropy, so the low end 0.8 - 0.5.
        candidates = Load([100, 0, 0, 0]);
        new Temperature(0.8f, 0.5f, 1).Apply(candidates);
        Assert.That(candidates.Logits[0], Is.EqualTo(100 / 0.3f).Within(1e-3));

        // (0.5, 0.5, 0, 0) has half the entropy of four: exponent 2 makes it a quarter of the range.
        candidates = Load([0, 0, float.NegativeInfinity, float.NegativeInfinity]);
        candidates.Logits[0] = candidates.Logits[1] = 1;
        new Temperature(1, 0.8f, 2).Apply(candidates);
        Assert.That(candidates.Logits[0], Is.EqualTo(1 / (0.2f + 1.6f * 0.25f)).Within(1e-5));
    }

    [Test]
    public void Bias_is_added_in_any_order()
    {
        var candidates = Load([1, 2, 3]);
        var stage = new LogitBias([(0, 5), (2, float.NegativeInfinity), (17, 1)]);
        stage.Apply(candidates);
        Assert.That(candidates.Logits.ToArray(), Is.EqualTo(new[] { 6, 2, float.NegativeInfinity }));
        candidates.Sort();
        stage.Apply(candidates);
        Assert.That(Pairs(candidates)[0], Is.EqualTo((0, 11f)));
    }

    [Test]
    public void The_draw_takes_the_first_running_sum_that_reaches_it()
    {
        float[] p = [0.1f, 0.2f, 0.3f, 0.4f];
        var stage = new Distribution(seed: 11);
        var same = new MersenneTwister(11);
        var candidates = new Candidates(4);
        for (int round = 0; round < 1000; round++)
        {
            candidates.Load(Logits(p));
            stage.Apply(candidates);
            double draw = same.NextDouble(), sum = 0;
            int expected = 0;
            while ((sum += p[expected]) < draw - 1e-7) expected++;
            if (Math.Abs(sum - draw) > 1e-6) Assert.That(candidates.Selected, Is.EqualTo(expected), $"draw {draw}");
        }
    }

    [Test]
    public void Mirostat2_cuts_what_is_too_surprising_and_learns()
    {
        // tau 0.7: mu = 1.4 bits, so p must be at least 0.379: only the first stays; its surprise after renormalising is 0, so mu grows by 0.1 · 0.7.
        var stage = new MirostatV2(0.7f, 0.1f, seed: 3);
        Assert.That(After(stage, [0.4f, 0.3f, 0.2f, 0.1f]), Is.EqualTo(new[] { 0 }));
        // After n rounds mu = 1.4 + 0.07 n; the second, 1.737 bits, joins once n is 5.
        for (int round = 1; round < 5; round++) Assert.That(After(stage, [0.4f, 0.3f, 0.2f, 0.1f]), Has.Length.EqualTo(1), $"round {round}");
        Assert.That(After(stage, [0.4f, 0.3f, 0.2f, 0.1f]), Has.Length.EqualTo(2));
    }

    [Test]
    public void Mirostat1_keeps_k_by_the_fitted_exponent()
    {
        // Zipf with s = 2: p_i ~ 1/i². The fit is exact, so k = ((e · 2^mu)/(1 - N^-e))^(1/s) with e = 1, mu = 2 tau.
        float[] p = [.. Enumerable.Range(1, 100).Select(i => 1f / (i * i))];
        double k = Math.Sqrt(Math.Pow(2, 2 * 2.5) / (1 - 1 / 100.0));
        Assert.That(After(new MirostatV1(2.5f, 0.1f, seed: 3), p), Has.Length.EqualTo((int)k));
    }

    [Test]
    public void AdaptiveP_moves_towards_its_target()
    {
        var stage = new AdaptiveP(0.3f, 0.9f, seed: 4);
        var candidates = new Candidates(4);
        int[] counts = new int[4];
        for (int round = 0; round < 4000; round++)
        {
            candidates.Load(Logits([0.6f, 0.25f, 0.1f, 0.05f]));
            stage.Apply(candidates);
            counts[candidates.Ids[candidates.Selected]]++;
            stage.Accept(candidates.Ids[candidates.Selected]);
        }

        double mean = (counts[0] * 0.6 + counts[1] * 0.25 + counts[2] * 0.1 + counts[3] * 0.05) / 4000;
        Assert.That(mean, Is.EqualTo(0.3).Within(0.05), "the average probability of what was chosen");
        Assert.That(counts[1], Is.GreaterThan(counts[2]), "what is near the target is favoured");
    }

    internal static float[] Logits(float[] p) => [.. p.Select(x => MathF.Log(x))];

    private static Candidates Load(float[] logits)
    {
        var candidates = new Candidates(logits.Length);
        candidates.Load(logits);
        return candidates;
    }

    private static int[] After(SamplerStage stage, float[] p) => After([stage], p);

    private static int[] After(SamplerStage[] stages, float[] p)
    {
        Candidates candidates = Load(Logits(p));
        foreach (SamplerStage stage in stages) stage.Apply(candidates);
        return candidates.Ids.ToArray();
    }

    private static (int, float)[] Pairs(Candidates candidates) =>
        [.. candidates.Ids.ToArray().Zip(candidates.Logits.ToArray())];
}
