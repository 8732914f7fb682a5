using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// Holds the tokens of one session to a grammar. A token is allowed when its bytes, after what is left of the last character, can be matched;
/// tokens that end the answer are allowed where the form is complete. All allowed tokens of a state are found in one walk over the
/// tree of the vocabulary, in which a refused byte refuses everything below it, and are remembered with the state.
/// </summary>
internal sealed class GrammarConstraint : ITokenConstraint
{
    /// <summary>Table entries after which the automaton is begun anew from where it is.</summary>
    private const int MaximumAutomatonSize = 1 << 22;

    /// <summary>Sets of allowed tokens that are kept.</summary>
    private const int MaximumMasks = 512;

    private readonly Grammar _grammar;
    private readonly IVocabulary _vocabulary;
    private readonly GrammarVocabulary _tokens;
    private readonly Stack<(int Node, GrammarState State, PartialCharacter Partial)> _walk = new();
    private GrammarAutomaton _automaton;
    private GrammarState _state;
    private PartialCharacter _partial;
    private int _masks;

    public GrammarConstraint(Grammar grammar, IVocabulary vocabulary)
    {
        (_grammar, _vocabulary) = (grammar, vocabulary);
        _tokens = GrammarVocabulary.Of(vocabulary);
        _automaton = new GrammarAutomaton(grammar);
        _state = _automaton.Start;
    }

    /// <summary>True when the text so far has the whole form.</summary>
    public bool IsComplete => _state.IsComplete && _partial.Missing == 0;

    /// <summary>True when the text so far does not end within a character.</summary>
    public bool IsBetweenCharacters => _partial.Missing == 0;

    /// <inheritdoc/>
    public bool Allows(int token)
    {
        if (_vocabulary.IsEndOfGeneration(token)) return IsComplete;
        if (_partial.Missing == 0 && _automaton.AllowsToken(_state, token)) return true;
        ReadOnlySpan<byte> piece = _vocabulary.Piece(token);
        return !piece.IsEmpty && Follow(piece, out GrammarState? state, out PartialCharacter partial) && CanGoOn(state!, partial);
    }

    /// <inheritdoc/>
    public void Mask(Span<float> logits)
    {
        ulong[] allowed = AllowedTokens();
        for (int token = 0; token < logits.Length; token++)
        {
            if ((allowed[token >> 6] >> token & 1) == 0) logits[token] = float.NegativeInfinity;
        }
    }

    /// <inheritdoc/>
    public void Accept(int token)
    {
        if (_vocabulary.IsEndOfGeneration(token) && IsComplete) return;
        ReadOnlySpan<byte> piece = _vocabulary.Piece(token);
        GrammarState? next = null;
        PartialCharacter partial = default;
        if (!piece.IsEmpty && Follow(piece, out next, out partial) && !CanGoOn(next!, partial)) next = null;
        if (_partial.Missing == 0 && _state.NamesTokens && partial.Missing == 0) next = _automaton.NextByToken(_state, token, next);
        if (next is null) throw new GrammarException($"token {token} ('{Encoding.UTF8.GetString(piece)}') does not fit the grammar here");
        (_state, _partial) = (next, partial);
        if (_automaton.Size > MaximumAutomatonSize || _masks > MaximumMasks) Compact();
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _state = _automaton.Start;
        _partial = default;
    }

    /// <summary>Follows bytes from the present place.</summary>
    private bool Follow(ReadOnlySpan<byte> piece, out GrammarState? state, out PartialCharacter partial)
    {
        (state, partial) = (_state, _partial);
        foreach (byte next in piece)
        {
            if (!Step(ref state, ref partial, next)) return false;
        }

        return true;
    }

    private bool Step(ref GrammarState? state, ref PartialCharacter partial, byte next)
    {
        if (!partial.TryAppend(next, out partial, out int character)) return false;
        if (character >= 0) state = _automaton.Next(state!, character);
        return state is not null;
    }

    /// <summary>True between characters, or when some way to end the begun one fits.</summary>
    private bool CanGoOn(GrammarState state, PartialCharacter partial) =>
        partial.Missing == 0 || _automaton.AllowsAny(state, partial.Lowest, partial.Highest);

    private ulong[] AllowedTokens()
    {
        if (_partial.Missing == 0 && _state.AllowedTokens is { } known) return known;
        ulong[] allowed = new ulong[(_vocabulary.Count + 63) / 64];
        WalkTree(allowed);
        if (_partial.Missing == 0 && _state.NamesTokens)
        {
            for (int token = 0; token < _vocabulary.Count; token++)
            {
                if (_automaton.AllowsToken(_state, token)) allowed[token >> 6] |= 1ul << token;
            }
        }

        foreach (int end in _tokens.Ends)
        {
            if (IsComplete) allowed[end >> 6] |= 1ul << end;
            else allowed[end >> 6] &= ~(1ul << end);
        }

        if (_partial.Missing == 0)
        {
            _state.AllowedTokens = allowed;
            _masks++;
        }

        return allowed;
    }

    private void WalkTree(ulong[] allowed)
    {
        TokenTrie tree = _tokens.Tree;
        _walk.Push((TokenTrie.Root, _state, _partial));
        while (_walk.TryPop(out var place))
        {
            ReadOnlySpan<byte> labels = tree.ChildLabels(place.Node);
            for (int i = 0; i < labels.Length; i++)
            {
                GrammarState? state = place.State;
                PartialCharacter partial = place.Partial;
                if (labels[i] < 0x80 && partial.Missing == 0)
                {
                    // Most bytes are whole characters.
                    state = _automaton.Next(state, labels[i]);
                    if (state is null) continue;
                }
                else if (!Step(ref state, ref partial, labels[i]) || !CanGoOn(state!, partial))
                {
                    continue;
                }

                int child = tree.FirstChild(place.Node) + i;
                foreach (int token in tree.Tokens(child)) allowed[token >> 6] |= 1ul << token;
                if (!tree.ChildLabels(child).IsEmpty) _walk.Push((child, state!, partial));
            }
        }
    }

    /// <summary>Begins the automaton anew with only what the present state needs.</summary>
    private void Compact()
    {
        _automaton = new GrammarAutomaton(_grammar, _automaton, _state);
        _state = _automaton.Continued;
        _masks = 0;
    }
}
