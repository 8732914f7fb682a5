using TinyMllm.Engine.Sampling;

namespace TinyMllm.Tests.Sampling;

public class SamplerTests
{
    [Test]
    public void Greedy_takes_the_first_largest()
    {
        float[] logits = RandomLogits(1000, 1);
        logits[200] = logits[700] = 99;
        logits[3] = logits[203] = logits[999] = float.NaN;
        Assert.That(new Sampler(SamplerOptions.Greedy, 1000).Sample(logits), Is.EqualTo(200));
    }

    [Test]
    public void Impossible_and_broken_logits_do_no_harm()
    {
        float[] logits = new float[20];
        foreach (float all in new[] { float.NaN, float.NegativeInfinity })
        {
            Array.Fill(logits, all);
            foreach (var options in new[] { SamplerOptions.Greedy, new SamplerOptions(), new SamplerOptions { TopK = 0, TypicalP = 0.5f }, new SamplerOptions { Mirostat = 1 }, new SamplerOptions { Mirostat = 2 } })
                Assert.That(new Sampler(options, 20).Sample(logits), Is.InRange(0, 19));
        }

        Array.Fill(logits, 1);
        logits[7] = float.PositiveInfinity;
        Assert.That(new Sampler(SamplerOptions.Greedy, 20).Sample(logits), Is.EqualTo(7));
        Assert.That(new Sampler(new SamplerOptions(), 20).Sample(logits), Is.EqualTo(7));
        Assert.Throws<ArgumentException>(() => new Sampler(SamplerOptions.Greedy, 21).Sample(logits));
    }

    [Test]
    public void Greedy_sees_penalties()
    {
        var sampler = new Sampler(SamplerOptions.Greedy with { RepeatPenalty = 10 }, 3);
        sampler.AcceptPrompt([1]);
        Assert.That(sampler.Sample([1, 2, 1.5f]), Is.EqualTo(2));
    }

    [Test]
    public void The_same_seed_gives_the_same_text()
    {
        int[] Run(Sampler sampler)
        {
            int[] tokens = new int[50];
            for (int i = 0; i < tokens.Length; i++)
            {
                tokens[i] = sampler.Sample(RandomLogits(500, i));
                sampler.Accept(tokens[i]);
            }

            return tokens;
        }

        var sampler = new Sampler(new SamplerOptions { Seed = 5, RepeatPenalty = 1.1f }, 500);
        int[] first = Run(sampler);
        sampler.Reset();
        Assert.That(Run(sampler), Is.EqualTo(first));
        Assert.That(Run(new Sampler(new SamplerOptions { Seed = 6, RepeatPenalty = 1.1f }, 500)), Is.Not.EqualTo(first));
        uint[] seeds = [.. Enumerable.Range(0, 4).Select(_ => new Sampler(new SamplerOptions(), 5).Seed)];
        Assert.That(seeds, Is.Unique, "no seed: a new one");
    }

    [Test]
    public void What_is_drawn_follows_the_probabilities()
    {
        var sampler = new Sampler(new SamplerOptions { Temperature = 0.5f, TopK = 0, TopP = 1, MinP = 0, Seed = 9 }, 4);
        float[] logits = StageTests.Logits([0.1f, 0.2f, 0.3f, 0.4f]);
        int[] counts = new int[4];
        for (int i = 0; i < 30000; i++) counts[sampler.Sample(logits)]++;
        // Temperature 0.5 squares the probabilities: 1, 4, 9, 16 of 30.
        for (int i = 0; i < 4; i++) Assert.That(counts[i] / 30000.0, Is.EqualTo((i + 1) * (i + 1) / 30.0).Within(0.01));
    }

    /// <summary>The default stages in plain LINQ over all tokens: which ones can be drawn, and how likely each is.</summary>
    [Test]
    public void The_chain_leaves_what_a_naive_one_leaves([Values(0, 1, 40)] int topK, [Values(0.5f, 0.95f, 1f)] float topP, [Values(0f, 0.05f, 0.3f)] float minP)
    {
        for (int round = 0; round < 20; round++)
        {
            float[] logits = RandomLogits(2000, round);
            var expected = Naive(logits, topK, topP, minP, 0.7);
            var sampler = new Sampler(new SamplerOptions { TopK = topK, TopP = topP, MinP = minP, Temperature = 0.7f, Seed = 1 }, logits.Length);
            var random = new MersenneTwister(1);
            for (int draw = 0; draw < 20; draw++)
            {
                int token = sampler.Sample(logits);
                Assert.That(expected.ContainsKey(token), $"token {token} of {expected.Count}");
                if (expected.Count == 1) continue;
                // The candidates in the chain's order: the draw must fall into the token's interval.
                double u = random.NextDouble(), sum = 0;
                bool sorted = topK > 0 || topP < 1;
                foreach (var (id, p) in sorted ? expected.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key) : expected.OrderBy(pair => pair.Key))
                {
                    if (id == token) Assert.That(u, Is.InRange(sum - 1e-4, sum + p + 1e-4));
                    sum += p;
                }
            }
        }
    }

    [Test]
    public void A_forbidden_choice_is_drawn_again_among_the_allowed([Values(0f, 0.8f)] float temperature)
    {
        var constraint = new Even();
        var sampler = new Sampler(new SamplerOptions { Temperature = temperature, Seed = 2 }, 100, constraint);
        for (int round = 0; round < 100; round++)
        {
            int token = sampler.Sample(RandomLogits(100, round));
            Assert.That(token % 2, Is.Zero);
            sampler.Accept(token);
        }

        Assert.That(constraint.Accepted, Is.EqualTo(100));
        Assert.Throws<InvalidOperationException>(() => new Sampler(SamplerOptions.Greedy, 1, new Even { Nothing = true }).Sample([1]));
    }

    [Test]
    public void The_end_can_be_forbidden()
    {
        var sampler = new Sampler(SamplerOptions.Greedy with { IgnoreEndOfGeneration = true }, new WordVocabulary(["a", "b", "end"], 2));
        Assert.That(sampler.Sample([1, 2, 3]), Is.EqualTo(1));
    }

    [Test]
    public void Nothing_is_allocated_per_token()
    {
        foreach (SamplerOptions options in new[]
        {
            SamplerOptions.Greedy,
            new SamplerOptions { RepeatPenalty = 1.1f, FrequencyPenalty = 0.1f, DryMultiplier = 0.8f, TopNSigma = 3, TypicalP = 0.9f, XtcProbability = 0.5f, DynamicTemperatureRange = 0.3f },
            new SamplerOptions { TopK = 0, TopP = 0.99f },
            new SamplerOptions { Mirostat = 1 },
            new SamplerOptions { Mirostat = 2 },
            new SamplerOptions { Order = SamplerOrder.Parse("kpa"), AdaptiveTarget = 0.4f },
        })
        {
            var sampler = new Sampler(options, new WordVocabulary([.. Enumerable.Range(0, 5000).Select(i => $"w{i}")]));
            float[][] logits = [.. Enumerable.Range(0, 4).Select(i => RandomLogits(5000, i))];
            for (int i = 0; i < 20; i++) sampler.Accept(sampler.Sample(logits[i % 4]));
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 50; i++) sampler.Accept(sampler.Sample(logits[i % 4]));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, options.ToString());
        }
    }

    [Test]
    public void Log_probabilities_are_those_of_the_model()
    {
        float[] logits = StageTests.Logits([0.1f, 0.2f, 0.3f, 0.4f]);
        var top = new TokenLogProbability[3];
        float chosen = LogProbabilities.Of(logits, 1, top, out int written);
        Assert.That(MathF.Exp(chosen), Is.EqualTo(0.2f).Within(1e-6));
        Assert.That(written, Is.EqualTo(3));
        Assert.That(top.Select(t => t.Token), Is.EqualTo(new[] { 3, 2, 1 }));
        Assert.That(top.Select(t => MathF.Exp(t.LogProbability)), Is.EqualTo(new[] { 0.4f, 0.3f, 0.2f }).Within(1e-6));
    }

    [Test]
    public void Bad_options_are_named()
    {
        foreach (var (options, name) in new[]
        {
            (new SamplerOptions { Temperature = float.NaN }, "Temperature"), (new SamplerOptions { TopP = -1 }, "TopP"),
            (new SamplerOptions { MinP = 2 }, "MinP"), (new SamplerOptions { RepeatPenalty = 0 }, "RepeatPenalty"),
            (new SamplerOptions { Mirostat = 3 }, "Mirostat"), (new SamplerOptions { PenaltyLastN = -2 }, "PenaltyLastN"),
            (new SamplerOptions { AdaptiveDecay = 1 }, "AdaptiveDecay"), (new SamplerOptions { DryMultiplier = 1 }, "DryMultiplier"),
            (new SamplerOptions { LogitBias = new Dictionary<int, float> { [3] = float.NaN } }, "LogitBias[3]"),
        })
        {
            Assert.That(Assert.Throws<ArgumentException>(() => new Sampler(options, 10))!.Message, Does.StartWith($"sampling option {name} "));
        }

        Assert.Throws<ArgumentException>(() => SamplerOrder.Parse("kk"));
        Assert.Throws<ArgumentException>(() => SamplerOrder.Parse("kz"));
        Assert.That(SamplerOrder.Format(SamplerOrder.Default), Is.EqualTo("edskypmxt"));
    }

    private static Dictionary<int, double> Naive(float[] logits, int topK, double topP, double minP, double temperature)
    {
        var all = logits.Select((logit, id) => (id, logit: (double)logit)).OrderByDescending(c => c.logit).ThenBy(c => c.id).ToList();
        if (topK > 0) all = all.Take(topK).ToList();
        double sum = all.Sum(c => Math.Exp(c.logit)), running = 0;
        int keep = 0;
        while (keep < all.Count && running < topP) running += Math.Exp(all[keep++].logit) / sum;
        if (topP < 1) all = all.Take(keep).ToList();
        if (minP > 0) all = all.Where(c => c.logit >= all[0].logit + Math.Log(minP)).ToList();
        double total = all.Sum(c => Math.Exp(c.logit / temperature));
        return all.ToDictionary(c => c.id, c => Math.Exp(c.logit / temperature) / total);
    }

    private static float[] RandomLogits(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * random.NextDouble() * 20 - 10))];
    }

    private sealed class Even : ITokenConstraint
    {
        public bool Nothing { get; init; }

        public int Accepted { get; private set; }

        public bool Allows(int token) => !Nothing && token % 2 == 0;

        public void Mask(Span<float> logits)
        {
            for (int i = 0; i < logits.Length; i++)
            {
                if (!Allows(i)) logits[i] = float.NegativeInfinity;
            }
        }

        public void Accept(int token) => Accepted++;

        public void Reset() => Accepted = 0;
    }
}
