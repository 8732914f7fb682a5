namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Mirostat 2.0 (Basu et al. 2021): cuts tokens more surprising than μ bits, draws, and moves μ against the error of the surprise.</summary>
internal sealed class MirostatV2(float tau, float eta, uint seed) : SamplerStage
{
    private readonly MersenneTwister _random = new(seed);
    private float _mu = 2 * tau;

    public override void Apply(Candidates candidates)
    {
        candidates.Sort();
        candidates.Softmax();
        ReadOnlySpan<float> p = candidates.Probabilities;
        int kept = 0;
        while (kept < p.Length && -MathF.Log2(p[kept]) <= _mu) kept++;
        candidates.Truncate(Math.Max(kept, 1));
        candidates.Softmax();
        candidates.Selected = _random.NextIndex(candidates.Probabilities);
        _mu -= eta * (-MathF.Log2(candidates.Probabilities[candidates.Selected]) - tau);
    }

    public override void Reset()
    {
        _mu = 2 * tau;
        _random.Seed(seed);
    }
}
