using TinyMllm.Engine.Sampling;

namespace TinyMllm.Generation;

/// <summary>Two constraints at once: a token may come if both allow it.</summary>
internal sealed class ConstraintPair(ITokenConstraint first, ITokenConstraint second) : ITokenConstraint
{
    public bool Allows(int token) => first.Allows(token) && second.Allows(token);

    public void Mask(Span<float> logits)
    {
        first.Mask(logits);
        second.Mask(logits);
    }

    public void Accept(int token)
    {
        first.Accept(token);
        second.Accept(token);
    }

    public void Reset()
    {
        first.Reset();
        second.Reset();
    }
}
