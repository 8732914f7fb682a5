namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Nucleus sampling (Holtzman et al. 2020): the most likely tokens until their total probability reaches p.</summary>
internal sealed class TopP(float p, int minKeep) : SamplerStage
{
    /// <summary>How many tokens are sorted at first when there are many; eight times as many each time that was too few.</summary>
    private const int FirstBatch = 256;

    public override void Apply(Candidates candidates)
    {
        if (candidates.Sorted)
        {
            candidates.Softmax();
            ReadOnlySpan<float> probabilities = candidates.Probabilities;
            float cumulative = 0;
            for (int i = 0; i < probabilities.Length; i++)
            {
                cumulative += probabilities[i];
                if (!Reached(cumulative, i + 1)) continue;
                candidates.Truncate(i + 1);
                return;
            }

            return;
        }

        float max = candidates.MaxLogit(), total = 0;
        candidates.Exponentials();
        foreach (float weight in candidates.Probabilities) total += weight;
        for (long batch = FirstBatch; ; batch *= 8)
        {
            int count = candidates.SelectBest((int)Math.Min(batch, candidates.Count));
            float cumulative = 0;
            for (int i = 0; i < count; i++)
            {
                cumulative += MathF.Exp(candidates.BestLogit(i) - max) / total;
                if (!Reached(cumulative, i + 1) && (i + 1 < candidates.Count)) continue;
                candidates.TakeBest(i + 1);
                return;
            }
        }
    }

    private bool Reached(float cumulative, int count) => cumulative >= p && count >= minKeep;
}
