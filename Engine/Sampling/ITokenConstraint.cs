namespace TinyMllm.Engine.Sampling;

/// <summary>Says which tokens may come next, for instance because a grammar demands a certain form.</summary>
public interface ITokenConstraint
{
    /// <summary>True when <paramref name="token"/> may come next.</summary>
    bool Allows(int token);

    /// <summary>Sets the logit of every token that may not come next to negative infinity. <c>logits[i]</c> belongs to token i.</summary>
    void Mask(Span<float> logits);

    /// <summary>Moves on by a token that was generated.</summary>
    void Accept(int token);

    /// <summary>Back to the start.</summary>
    void Reset();
}
