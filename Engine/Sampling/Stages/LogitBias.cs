namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>Adds a bias to single tokens; negative infinity forbids them.</summary>
internal sealed class LogitBias((int Token, float Bias)[] biases) : SamplerStage
{
    public override void Apply(Candidates candidates)
    {
        Span<float> logits = candidates.Logits;
        foreach (var (token, bias) in biases)
        {
            int index = candidates.InIdOrder ? token : candidates.Ids.IndexOf(token);
            if ((uint)index < (uint)logits.Length) logits[index] += bias;
        }

        candidates.LogitsChanged();
    }
}
