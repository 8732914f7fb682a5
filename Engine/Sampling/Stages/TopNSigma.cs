namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Top-nσ (Tang et al. 2024): logits more than n standard deviations below the largest become impossible.</summary>
internal sealed class TopNSigma(float n) : SamplerStage
{
    public override void Apply(Candidates candidates)
    {
        Span<float> logits = candidates.Logits;
        float max = float.NegativeInfinity, sum = 0;
        int valid = 0;
        foreach (float logit in logits)
        {
            if (float.IsNegativeInfinity(logit)) continue;
            max = MathF.Max(max, logit);
            sum += logit;
            valid++;
        }

        if (valid == 0) return;
        float mean = sum / valid, squares = 0;
        foreach (float logit in logits)
        {
            if (!float.IsNegativeInfinity(logit)) squares += (float)((double)(logit - mean) * (logit - mean));
        }

        float threshold = max - n * MathF.Sqrt(squares / valid);
        foreach (ref float logit in logits)
        {
            if (logit < threshold) logit = float.NegativeInfinity;
        }
    }
}
