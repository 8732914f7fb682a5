namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>The final draw: candidate i with probability exp(lᵢ - max) / Σ. A single candidate is taken without a draw.</summary>
internal sealed class Distribution(uint seed) : SamplerStage
{
    private readonly MersenneTwister _random = new(seed);

    public override void Apply(Candidates candidates)
    {
        if (candidates.Count <= 1)
        {
            candidates.Selected = candidates.Count - 1;
            return;
        }

        candidates.Exponentials();
        ReadOnlySpan<float> weights = candidates.Probabilities;
        double total = 0;
        foreach (float weight in weights) total += weight;
        double target = total * _random.NextDouble(), sum = 0;
        candidates.Selected = weights.Length - 1;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += weights[i];
            if (!(sum >= target) || weights[i] == 0) continue;
            candidates.Selected = i;
            break;
        }
    }

    public override void Reset() => _random.Seed(seed);
}
