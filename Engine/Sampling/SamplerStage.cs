namespace TinyMllm.Engine.Sampling;

/// <summary>One step of the sampler chain. It narrows, reorders or reweights the candidates; the last one selects.</summary>
internal abstract class SamplerStage
{
    /// <summary>Works on the candidates of one position.</summary>
    public abstract void Apply(Candidates candidates);

    /// <summary>Records that <paramref name="token"/> now belongs to the text.</summary>
    public virtual void Accept(int token)
    {
    }

    /// <summary>Forgets everything that was accepted and starts the random numbers anew.</summary>
    public virtual void Reset()
    {
    }
}
