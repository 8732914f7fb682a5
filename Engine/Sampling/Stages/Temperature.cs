namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// Divides the logits by the temperature. With a range the temperature follows the entropy H of the distribution:
/// lo + (hi - lo) · (H / ln n)^exponent. At 0 only the first largest logit stays possible.
/// </summary>
internal sealed class Temperature(float temperature, float range, float exponent) : SamplerStage
{
    public override void Apply(Candidates candidates)
    {
        if (range <= 0)
        {
            Divide(candidates, temperature);
            return;
        }

        if (candidates.Count <= 1) return;
        float low = MathF.Max(0, temperature - range), high = temperature + range;
        float maximumEntropy = MathF.Log(candidates.Count);
        candidates.Sort();
        candidates.Softmax();
        float share = Typical.Entropy(candidates.Probabilities) / maximumEntropy;
        Divide(candidates, low + (high - low) * MathF.Pow(share, exponent));
    }

    private static void Divide(Candidates candidates, float temperature)
    {
        Span<float> logits = candidates.Logits;
        if (temperature > 0)
        {
            foreach (ref float logit in logits) logit /= temperature;
            return;
        }

        int best = candidates.ArgMax();
        for (int i = 0; i < logits.Length; i++)
        {
            if (i != best) logits[i] = float.NegativeInfinity;
        }
    }
}
