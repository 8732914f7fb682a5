using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;

namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// A form that an answer must have, given in GBNF (llama.cpp's notation) or as a JSON schema. Immutable; each session gets its own
/// <see cref="GrammarConstraint"/> from it.
/// </summary>
public sealed class Grammar
{
    private readonly GrammarElement[] _elements;
    private readonly int[][] _alternatives;
    private readonly CharacterSet[] _sets;

    private Grammar(string text, GrammarRules rules, int root)
    {
        (Text, Root) = (text, root);
        GrammarChecks.Check(rules, Root);
        List<GrammarElement> elements = [];
        _alternatives = new int[rules.Count][];
        for (int rule = 0; rule < rules.Count; rule++)
        {
            _alternatives[rule] = [.. rules.Alternatives(rule)!.Select(alternative =>
            {
                int start = elements.Count;
                elements.AddRange(alternative);
                elements.Add(GrammarElement.End);
                return start;
            })];
        }

        _elements = [.. elements];
        _sets = [.. rules.Sets];
    }

    /// <summary>The grammar in GBNF.</summary>
    public string Text { get; }

    /// <summary>Number of the rule that everything begins with.</summary>
    internal int Root { get; }

    /// <summary>All alternatives one after the other, each with its end.</summary>
    internal ReadOnlySpan<GrammarElement> Elements => _elements;

    /// <summary>The sets of characters.</summary>
    internal ReadOnlySpan<CharacterSet> Sets => _sets;

    /// <summary>Reads GBNF.</summary>
    /// <param name="gbnf">Rules <c>name ::= …</c>; the text must match the rule <c>root</c>.</param>
    /// <param name="vocabulary">Needed only where the grammar names tokens by their text.</param>
    /// <exception cref="GrammarException">The grammar is not well formed, refers to a rule that is missing, or is left-recursive.</exception>
    public static Grammar Parse(string gbnf, IVocabulary? vocabulary = null)
    {
        ArgumentNullException.ThrowIfNull(gbnf);
        var rules = new GrammarRules();
        GbnfParser.Parse(gbnf, vocabulary, rules);
        return new Grammar(gbnf, rules, rules.Number("root"));
    }

    /// <summary>The grammar of the texts that one of several grammars allows, perhaps with something before them.</summary>
    /// <param name="choices">The grammars, in GBNF.</param>
    /// <param name="vocabulary">Needed only where they name tokens by their text.</param>
    /// <param name="before">Adds what comes before and returns the rule to begin with, given the rule of the choices.</param>
    /// <exception cref="GrammarException">One of the grammars is not well formed, refers to a rule that is missing, or is left-recursive.</exception>
    internal static Grammar OneOf(IReadOnlyList<string> choices, IVocabulary? vocabulary, Func<GrammarRules, int, int>? before = null)
    {
        var rules = new GrammarRules();
        int answer = rules.Generate("answer");
        List<GrammarElement[]> ways = [];
        for (int choice = 0; choice < choices.Count; choice++)
        {
            string prefix = $"{choice}/";
            GbnfParser.Parse(choices[choice], vocabulary, rules, prefix);
            if (!rules.Has(prefix + "root")) throw new GrammarException("grammar: there is no rule 'root'");
            ways.Add([new GrammarElement(GrammarElementKind.Rule, rules.Number(prefix + "root"))]);
        }

        rules.Define(answer, ways);
        return new Grammar(string.Join('\n', choices), rules, before is null ? answer : before(rules, answer));
    }

    /// <summary>Says what is wrong with a grammar before there is a model: tokens that it names by their text are not looked up.</summary>
    /// <exception cref="GrammarException">As for <see cref="Parse"/>.</exception>
    internal static void Check(string gbnf)
    {
        var rules = new GrammarRules();
        GbnfParser.Parse(gbnf, vocabulary: null, rules, anyToken: true);
        _ = new Grammar(gbnf, rules, rules.Number("root"));
    }

    /// <summary>The grammar of the JSON texts that a schema allows; <c>{}</c> allows any JSON.</summary>
    /// <exception cref="GrammarException">The schema is no JSON, or uses a keyword that cannot be turned into a grammar.</exception>
    public static Grammar FromJsonSchema(string schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return Parse(JsonSchemaConverter.ToGbnf(schema));
    }

    /// <summary>True when the whole text has the form.</summary>
    public bool Matches(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var automaton = new GrammarAutomaton(this);
        GrammarState? state = automaton.Start;
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            state = automaton.Next(state, rune.Value);
            if (state is null) return false;
        }

        return state.IsComplete;
    }

    /// <summary>A new constraint for a session, at the start of the form.</summary>
    /// <param name="vocabulary">The model's vocabulary; what is worked out about it is kept and shared.</param>
    public ITokenConstraint CreateConstraint(IVocabulary vocabulary) => new GrammarConstraint(this, vocabulary);

    /// <summary>Where the alternatives of a rule begin.</summary>
    internal ReadOnlySpan<int> Alternatives(int rule) => _alternatives[rule];
}
