namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// Mirostat (Basu et al. 2021): estimates the Zipf exponent s from the m likeliest tokens, keeps as many tokens as give the wanted surprise μ,
/// draws, and moves μ against the error of the surprise that came out.
/// </summary>
internal sealed class MirostatV1(float tau, float eta, uint seed) : SamplerStage
{
    private const int M = 100;
    private readonly MersenneTwister _random = new(seed);
    private float _mu = 2 * tau;

    public override void Apply(Candidates candidates)
    {
        candidates.Sort();
        candidates.Softmax();
        ReadOnlySpan<float> p = candidates.Probabilities;
        float sumTb = 0, sumTt = 0;
        for (int i = 0; i < Math.Min(M, p.Length) - 1; i++)
        {
            float t = MathF.Log((float)(i + 2) / (i + 1));
            float b = MathF.Log(p[i] / p[i + 1]);
            sumTb += t * b;
            sumTt += t * t;
        }

        float s = sumTb / sumTt, epsilon = s - 1;
        float k = MathF.Pow(epsilon * MathF.Pow(2, _mu) / (1 - MathF.Pow(candidates.VocabularySize, -epsilon)), 1 / s);
        candidates.KeepBest(float.IsNaN(k) ? 1 : (int)Math.Clamp(k, 1, candidates.Count));
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
