namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>A set of stacks: all the ways in which the text so far fits the grammar.</summary>
internal sealed class GrammarState(int[] stacks, bool isComplete, bool namesTokens)
{
    private static readonly GrammarState Nowhere = new([], false, false);
    private GrammarState?[]? _next;

    /// <summary>The stacks, sorted.</summary>
    public ReadOnlySpan<int> Stacks => stacks;

    /// <summary>True when the text may end here.</summary>
    public bool IsComplete => isComplete;

    /// <summary>True when an exact token, or any but one, may come next.</summary>
    public bool NamesTokens => namesTokens;

    /// <summary>The tokens allowed here, one bit each, once that has been worked out.</summary>
    public ulong[]? AllowedTokens { get; set; }

    /// <summary>Where a class of characters leads, if that is known; null: nowhere.</summary>
    public bool TryNext(int characterClass, out GrammarState? next)
    {
        next = _next?[characterClass];
        bool known = next is not null;
        if (ReferenceEquals(next, Nowhere)) next = null;
        return known;
    }

    /// <summary>Remembers where a class of characters leads.</summary>
    public void SetNext(int characterClass, int classes, GrammarState? next) => (_next ??= new GrammarState?[classes])[characterClass] = next ?? Nowhere;
}
