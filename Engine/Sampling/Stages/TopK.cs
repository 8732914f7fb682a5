namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Keeps the k largest logits, sorted.</summary>
internal sealed class TopK(int k) : SamplerStage
{
    public override void Apply(Candidates candidates) => candidates.KeepBest(k);
}
