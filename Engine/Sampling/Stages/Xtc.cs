namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>"Exclude top choices": with a given chance, all tokens likelier than the threshold go, except the least likely of them.</summary>
internal sealed class Xtc(float chance, float threshold, int minKeep, uint seed) : SamplerStage
{
    private readonly MersenneTwister _random = new(seed);

    public override void Apply(Candidates candidates)
    {
        if (candidates.Count < 2 || _random.NextSingle() > chance) return;
        candidates.Sort();
        candidates.Softmax();
        int last = -1;
        foreach (float q in candidates.Probabilities)
        {
            if (q < threshold) break;
            last++;
        }

        if (last > 0 && candidates.Count - last >= minKeep) candidates.RemoveFirst(last);
    }

    public override void Reset() => _random.Seed(seed);
}
