namespace TinyMllm;

/// <summary>More text and picture tokens than the context of the session holds.</summary>
public sealed class ContextOverflowException : TinyMllmException
{
    /// <summary>Tells how many tokens there were and how many fit.</summary>
    /// <param name="needed">Tokens that the context would have to hold, those already in it included.</param>
    /// <param name="capacity">Tokens that it holds.</param>
    public ContextOverflowException(int needed, int capacity)
        : base(
            TinyMllmErrorKind.ContextOverflow,
            $"the context holds {capacity} tokens, {needed} are needed: shorten the prompt or load the model with a larger context")
    {
        Needed = needed;
        Capacity = capacity;
    }

    /// <summary>Tokens that the context would have to hold.</summary>
    public int Needed { get; }

    /// <summary>Tokens that the context holds.</summary>
    public int Capacity { get; }
}
