using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Tests.Sampling;

namespace TinyMllm.Tests.Text.Grammars;

/// <summary>Thoughts are free, the answer behind them is not.</summary>
public class ThinkingConstraintTests
{
    private const string Answer = "root ::= \"{\" [a-c]+ \"}\"";

    private static readonly string[] Words =
        ["a", "b", "{", "}", "<", "/", "think", ">", "\n", "</think>", "<think>", "</s>", "Hm", " ", "é", ">{", "x>\n\n", "</", "{a}"];

    private static readonly WordVocabulary Vocabulary = new(Words, 11);

    private static int Id(string word) => Array.IndexOf(Words, word);

    [Test]
    public void Thoughts_are_free_until_they_are_closed()
    {
        ITokenConstraint constraint = Constraint(open: true);
        Assert.That(Allowed(constraint), Is.EqualTo(Words.Except(["</s>"])), "everything but the end");
        Write(constraint, "Hm", " ", "{a}", "<", "/", "é", "{", "x>\n\n", "</think>");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "{", "\n", "{a}" }));
        Write(constraint, "\n", "\n");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "{", "{a}" }), "two line breaks, no more");
        Write(constraint, "{", "b");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "a", "b", "}" }));
        Write(constraint, "}");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "</s>" }));
        constraint.Reset();
        Assert.That(constraint.Allows(Id("Hm")), Is.True);
    }

    [Test]
    public void The_closing_mark_may_come_in_any_pieces()
    {
        ITokenConstraint constraint = Constraint(open: true);
        Write(constraint, "<", "</", "think");
        Assert.That((constraint.Allows(Id(">")), constraint.Allows(Id(">{")), constraint.Allows(Id("x>\n\n"))), Is.EqualTo((true, true, true)));
        Write(constraint, ">{");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "a", "b" }));

        ITokenConstraint almost = Constraint(open: true);
        Write(almost, "</", "think", "x>\n\n", "a");
        Assert.That(almost.Allows(Id("b")), Is.True, "that was no mark");
    }

    [Test]
    public void A_model_may_begin_to_think_by_itself()
    {
        Assert.That(Allowed(Constraint(open: false)), Is.EqualTo(new[] { "{", "<", "<think>", "{a}" }));
        ITokenConstraint thinking = Constraint(open: false);
        Write(thinking, "<think>", "\n", "a", "Hm", "</think>");
        Assert.That(Allowed(thinking), Is.EqualTo(new[] { "{", "\n", "{a}" }));
        ITokenConstraint direct = Constraint(open: false);
        Write(direct, "{", "a");
        Assert.That(Allowed(direct), Is.EqualTo(new[] { "a", "b", "}" }));
    }

    [Test]
    public void Thoughts_that_take_too_long_are_ended()
    {
        ITokenConstraint constraint = Constraint(open: true, mostTokens: 3);
        Write(constraint, "Hm", "Hm");
        Assert.That(constraint.Allows(Id("a")), Is.True);
        Write(constraint, "Hm");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "</think>" }), "as the one token that it is");
        Write(constraint, "</think>", "{a}");
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "</s>" }));

        ITokenConstraint own = Constraint(open: false, mostTokens: 3);
        Write(own, "<think>", "Hm", "Hm");
        Assert.That(Allowed(own), Is.EqualTo(new[] { "</think>" }));

        ITokenConstraint answer = Constraint(open: false, mostTokens: 3);
        Write(answer, "{", "a", "a", "a");
        Assert.That(Allowed(answer), Is.EqualTo(new[] { "a", "b", "}" }), "an answer is no thought, however long");
    }

    [Test]
    public void A_mark_without_a_token_is_written_in_letters_and_never_within_a_character()
    {
        byte[][] pieces = [.. "</think>ab{}".Select(c => new[] { (byte)c }), [0xC3], [0xA9], []];
        var vocabulary = new WordVocabulary(pieces, pieces.Length - 1);
        ITokenConstraint constraint = new ThinkingConstraint([Answer], vocabulary, "<think>", "</think>", open: true, mostTokens: 2);
        constraint.Accept(8);
        constraint.Accept(12);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 13 }), "the character first");
        constraint.Accept(13);
        foreach (char letter in "</think>{a}")
        {
            int[] allowed = AllowedIds(constraint, vocabulary);
            int token = "</think>ab{}".IndexOf(letter);
            Assert.That(allowed, letter is 'a' or '}' ? Does.Contain(token) : Is.EqualTo(new[] { token }));
            constraint.Accept(token);
        }
    }

    [Test]
    public void One_of_several_grammars_is_followed()
    {
        var grammar = Grammar.OneOf(["root ::= x | \"1\"\nx ::= \"a\"{2}", "root ::= x\nx ::= \"b\"+"], null);
        Assert.That(new[] { "aa", "1", "b", "bbb", "a", "ab", "", "x" }.Where(grammar.Matches), Is.EqualTo(new[] { "aa", "1", "b", "bbb" }));
        Assert.That(() => Grammar.OneOf(["root ::= \"a\"", "root ::= y"], null), Throws.TypeOf<GrammarException>().With.Message.EqualTo("grammar: rule 'y' is not defined"));
        Assert.That(() => Grammar.OneOf(["x ::= \"a\""], null), Throws.TypeOf<GrammarException>().With.Message.EqualTo("grammar: there is no rule 'root'"));
        Assert.That(() => Grammar.OneOf(["root ::= root \"a\""], null), Throws.TypeOf<GrammarException>().With.Message.Contains("rule 'root' is left-recursive"));
    }

    private static ThinkingConstraint Constraint(bool open, int mostTokens = 100) =>
        new([Answer], Vocabulary, "<think>", "</think>", open, mostTokens);

    private static void Write(ITokenConstraint constraint, params string[] words)
    {
        foreach (string word in words)
        {
            Assert.That(constraint.Allows(Id(word)), Is.True, word);
            constraint.Accept(Id(word));
        }
    }

    private static string[] Allowed(ITokenConstraint constraint) => [.. AllowedIds(constraint, Vocabulary).Select(id => Words[id])];

    private static int[] AllowedIds(ITokenConstraint constraint, IVocabulary vocabulary)
    {
        float[] logits = new float[vocabulary.Count];
        constraint.Mask(logits);
        return [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] == 0)];
    }
}
