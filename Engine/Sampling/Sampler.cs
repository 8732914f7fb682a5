using TinyMllm.Engine.Sampling.Stages;

namespace TinyMllm.Engine.Sampling;

/// <summary>
/// Chooses tokens for one session: <see cref="Sample"/> picks from the logits of a position, <see cref="Accept"/> records what joined the
/// text (prompt tokens as well, so that penalties see them). After construction nothing is allocated. Not safe for use by two threads at once.
/// </summary>
public sealed class Sampler
{
    private readonly Candidates _candidates;
    private readonly SamplerStage[] _chain;
    private readonly ITokenConstraint? _constraint;

    /// <summary>Builds the chain for a vocabulary of <paramref name="vocabularySize"/> tokens.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or needs the texts of tokens (DRY, ignoring the end).</exception>
    public Sampler(SamplerOptions options, int vocabularySize, ITokenConstraint? constraint = null)
        : this(options, vocabularySize, null, constraint)
    {
    }

    /// <summary>Builds the chain for a vocabulary whose token texts are known.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public Sampler(SamplerOptions options, IVocabulary vocabulary, ITokenConstraint? constraint = null)
        : this(options, (vocabulary ?? throw new ArgumentNullException(nameof(vocabulary))).Count, vocabulary, constraint)
    {
    }

    private Sampler(SamplerOptions options, int vocabularySize, IVocabulary? vocabulary, ITokenConstraint? constraint)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        options.Validate();
        Options = options;
        Seed = options.Seed ?? (uint)Random.Shared.NextInt64(1L << 32);
        _candidates = new Candidates(vocabularySize);
        _constraint = constraint;
        _chain = SamplerChain.Build(options, vocabularySize, vocabulary, Seed);
    }

    /// <summary>The options it was built with.</summary>
    public SamplerOptions Options { get; }

    /// <summary>The seed in use: the one asked for, or the one that was drawn.</summary>
    public uint Seed { get; }

    /// <summary>Picks a token from the logits of one position; <c>logits[i]</c> belongs to token i. Changes no logits and records nothing.</summary>
    /// <exception cref="InvalidOperationException">The constraint allows no token at all.</exception>
    public int Sample(ReadOnlySpan<float> logits)
    {
        int token = ChooseFreely(logits);
        if (_constraint is null || _constraint.Allows(token)) return token;

        // Checking one token is cheap, all of them is not: only when the free choice is forbidden are all checked.
        _candidates.Load(logits);
        _constraint.Mask(_candidates.Logits);
        _candidates.KeepAtLeast(float.MinValue);
        if (_candidates.Count == 0) throw new InvalidOperationException("the grammar allows none of the vocabulary's tokens here");
        return Choose();
    }

    /// <summary>Records a token that was generated: the penalties and the constraint move on.</summary>
    public void Accept(int token)
    {
        AcceptPrompt(token);
        _constraint?.Accept(token);
    }

    /// <summary>Records a token of the prompt: the penalties see it, the constraint does not.</summary>
    public void AcceptPrompt(int token)
    {
        if ((uint)token >= (uint)_candidates.VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(token), token, $"the vocabulary has {_candidates.VocabularySize} tokens");
        foreach (SamplerStage stage in _chain) stage.Accept(token);
    }

    /// <summary>Records the tokens of the prompt.</summary>
    public void AcceptPrompt(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens) AcceptPrompt(token);
    }

    /// <summary>Forgets the text and starts the random numbers anew: the same logits give the same tokens again.</summary>
    public void Reset()
    {
        foreach (SamplerStage stage in _chain) stage.Reset();
        _constraint?.Reset();
    }

    private int ChooseFreely(ReadOnlySpan<float> logits)
    {
        // The plain best token needs no candidates, unless a NaN among the logits hides it.
        if (_chain is [GreedyChoice] && logits.Length == _candidates.VocabularySize && TopSelection.Max(logits) is var max && !float.IsNaN(max))
        {
            int best = logits.IndexOf(max);
            if (best >= 0) return best;
        }

        _candidates.Load(logits);
        return Choose();
    }

    private int Choose()
    {
        foreach (SamplerStage stage in _chain) stage.Apply(_candidates);
        return _candidates.Ids[_candidates.Selected];
    }
}
