using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// Lets a model think before its answer is held to grammars. Thoughts are free text up to their closing mark, behind which only line breaks
/// and the answer may come. A model that thinks too long is stopped: when the thoughts have taken as many tokens as they may, the mark is
/// written for it, so that there is room left for the answer.
/// </summary>
internal sealed class ThinkingConstraint : ITokenConstraint
{
    /// <summary>Line breaks that may stand between the thoughts and the answer.</summary>
    private const int LineBreaks = 2;

    private readonly IReadOnlyList<string> _choices;
    private readonly IVocabulary _vocabulary;
    private readonly string _closer;
    private readonly byte[] _openerBytes;
    private readonly byte[] _closerBytes;
    private readonly bool _open;
    private readonly int _mostTokens;
    private readonly GrammarConstraint _free;
    private readonly List<byte> _text = [];
    private ITokenConstraint _now;
    private int _tokens;
    private bool _answering;

    /// <summary>A constraint at the start of an answer.</summary>
    /// <param name="choices">The grammars of the answer, in GBNF; it follows one of them.</param>
    /// <param name="vocabulary">The model's vocabulary.</param>
    /// <param name="opener">The mark before thoughts.</param>
    /// <param name="closer">The mark behind them.</param>
    /// <param name="open">True when the prompt ended within thoughts; otherwise the model may begin some, or not.</param>
    /// <param name="mostTokens">Most tokens of the thoughts.</param>
    /// <exception cref="GrammarException">A grammar cannot be read.</exception>
    public ThinkingConstraint(IReadOnlyList<string> choices, IVocabulary vocabulary, string opener, string closer, bool open, int mostTokens)
    {
        (_choices, _vocabulary, _closer, _open, _mostTokens) = (choices, vocabulary, closer, open, mostTokens);
        (_openerBytes, _closerBytes) = (Encoding.UTF8.GetBytes(opener), Encoding.UTF8.GetBytes(closer));
        var grammar = Grammar.OneOf(choices, vocabulary, (rules, answer) =>
        {
            int thoughts = rules.Until("thoughts", closer, Behind(rules, answer));
            if (open) return thoughts;
            int start = rules.Generate("start");
            rules.Define(start, [[.. Literal(rules, opener), Rule(thoughts)], [Rule(answer)]]);
            return start;
        });
        _now = _free = new GrammarConstraint(grammar, vocabulary);
    }

    /// <inheritdoc/>
    public bool Allows(int token) => _now.Allows(token);

    /// <inheritdoc/>
    public void Mask(Span<float> logits) => _now.Mask(logits);

    /// <inheritdoc/>
    public void Accept(int token)
    {
        _now.Accept(token);
        if (_answering) return;
        int before = _text.Count;
        _text.AddRange(_vocabulary.Piece(token));
        _tokens++;
        _answering = !MayThink() || HasCloser(before);
        if (_answering || _tokens < _mostTokens || !_free.IsBetweenCharacters) return;
        _now = new GrammarConstraint(Grammar.OneOf(_choices, _vocabulary, Cut), _vocabulary);
        _answering = true;
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _free.Reset();
        _now = _free;
        _text.Clear();
        (_tokens, _answering) = (0, false);
    }

    /// <summary>True while the text may be, or become, thoughts.</summary>
    private bool MayThink()
    {
        if (_open) return true;
        int length = Math.Min(_text.Count, _openerBytes.Length);
        return _text.Take(length).SequenceEqual(_openerBytes.Take(length));
    }

    private bool HasCloser(int before)
    {
        ReadOnlySpan<byte> text = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_text);
        return text[Math.Max(0, before - _closerBytes.Length + 1)..].IndexOf(_closerBytes) >= 0;
    }

    /// <summary>The mark at once: as the token that it is, so that the model sees what it was trained on, or in letters.</summary>
    private int Cut(GrammarRules rules, int answer)
    {
        int token = Enumerable.Range(0, _vocabulary.Count).FirstOrDefault(id => _vocabulary.Piece(id).SequenceEqual(_closerBytes), -1);
        int start = rules.Generate("start");
        List<GrammarElement> mark = token >= 0 ? [new GrammarElement(GrammarElementKind.Token, token)] : Literal(rules, _closer);
        rules.Define(start, [[.. mark, .. Behind(rules, answer)]]);
        return start;
    }

    /// <summary>What comes behind the thoughts: line breaks and the answer.</summary>
    private static List<GrammarElement> Behind(GrammarRules rules, int answer) =>
        [.. rules.Repeat("line-breaks", [rules.Character('\n')], 0, LineBreaks), Rule(answer)];

    private static List<GrammarElement> Literal(GrammarRules rules, string text) =>
        [.. text.EnumerateRunes().Select(rune => rules.Character(rune.Value))];

    private static GrammarElement Rule(int number) => new(GrammarElementKind.Rule, number);
}
