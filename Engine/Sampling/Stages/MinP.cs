namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Min-p (Nguyen et al. 2024): keeps tokens at least p times as likely as the best, that is logits from max + ln p.</summary>
internal sealed class MinP(float p, int minKeep) : SamplerStage
{
    public override void Apply(Candidates candidates)
    {
        if (candidates.Count == 0) return;
        float threshold = candidates.MaxLogit() + MathF.Log(p);
        int kept = 0;
        foreach (float logit in candidates.Logits) kept += logit >= threshold ? 1 : 0;
        if (kept < minKeep || kept == 0) candidates.KeepBest(Math.Max(minKeep, 1));
        else candidates.KeepAtLeast(threshold);
    }
}
