namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Takes the largest logit, the lowest id among equals.</summary>
internal sealed class GreedyChoice : SamplerStage
{
    public override void Apply(Candidates candidates) => candidates.Selected = candidates.ArgMax();
}
