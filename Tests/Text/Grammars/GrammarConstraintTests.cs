using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Tests.Sampling;

namespace TinyMllm.Tests.Text.Grammars;

public class GrammarConstraintTests
{
    private static readonly string[] Words = ["a", "b", "ab", "abc", "", "é", "\"", "{", "}", "<think>", "</s>", "bc", "日", "x"];

    private static readonly WordVocabulary Vocabulary = new(Words, 10);

    [Test]
    public void The_mask_holds_exactly_the_tokens_that_fit()
    {
        ITokenConstraint constraint = Grammar.Parse("root ::= \"ab\" [cd]? \"é\"").CreateConstraint(Vocabulary);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "a", "ab", "abc" }));
        constraint.Accept(0);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "b", "bc" }));
        constraint.Accept(1);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "é" }));
        constraint.Accept(5);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "</s>" }), "only the end, once all is said");
        constraint.Accept(10);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "</s>" }), "the end changes nothing");
        constraint.Reset();
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "a", "ab", "abc" }));
        Assert.That(Assert.Throws<GrammarException>(() => constraint.Accept(1))!.Message, Does.Contain("token 1 ('b')"));
    }

    [Test]
    public void Characters_may_be_cut_anywhere()
    {
        byte[] llama = Encoding.UTF8.GetBytes("🦙");
        byte[][] pieces = [.. llama.Select(b => new[] { b }), llama[..2], llama[2..], [0xC3], [0xA9], [0xF0, 0x80], [0xED, 0xA0], [0xFF], "x"u8.ToArray(), [0xE6]];
        var vocabulary = new WordVocabulary(pieces);
        var grammar = Grammar.Parse("root ::= [\\U0001F900-\\U0001F9FF] \"é\"");
        ITokenConstraint constraint = grammar.CreateConstraint(vocabulary);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 0, 4 }), "F0, and F0 9F");
        constraint.Accept(0);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 1 }));
        constraint.Accept(1);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 2, 5 }));
        constraint.Accept(5);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 6 }));
        constraint.Accept(6);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 7 }));
        constraint.Accept(7);
        Assert.That(AllowedIds(constraint, vocabulary), Is.Empty);

        // Anything: broken sequences stay forbidden (overlong F0 80, surrogate ED A0, FF, a lone continuation byte).
        constraint = Grammar.Parse("root ::= .*").CreateConstraint(vocabulary);
        Assert.That(AllowedIds(constraint, vocabulary), Is.EqualTo(new[] { 0, 4, 6, 11, 12 }));
    }

    [Test]
    public void Exact_tokens_match_by_id_only()
    {
        var grammar = Grammar.Parse("root ::= <think> !<think>* <[13]> \"a\"", Vocabulary);
        ITokenConstraint constraint = grammar.CreateConstraint(Vocabulary);
        Assert.That(Allowed(constraint), Is.EqualTo(new[] { "<think>" }));
        constraint.Accept(9);
        Assert.That(Allowed(constraint), Is.EquivalentTo(Words.Where((_, i) => i is not (9 or 10))), "any token but one; the end only when complete");
        constraint.Accept(0);
        constraint.Accept(13);
        Assert.That(constraint.Allows(0), Is.True);
        constraint.Accept(0);
        Assert.That(constraint.Allows(10), Is.True, "x, a: complete");
        Assert.That(Grammar.Parse("root ::= \"<think>\"").CreateConstraint(Vocabulary).Allows(9), Is.True, "as text it may be written by any tokens");
    }

    [Test]
    public void The_mask_agrees_with_testing_each_token_on_random_walks()
    {
        byte[][] pieces = [.. Enumerable.Range(0, 256).Select(b => new[] { (byte)b }), .. "{\"|\":|,\"|null|true|fal|se}|[[|]]|12|-3.5|e+|日本|\\u00|00 |\n\n|  |ab\"".Split('|').Select(Encoding.UTF8.GetBytes), []];
        var vocabulary = new WordVocabulary(pieces, pieces.Length - 1);
        var grammar = Grammar.FromJsonSchema("{}");
        var random = new Random(8);
        for (int walk = 0; walk < 20; walk++)
        {
            ITokenConstraint constraint = grammar.CreateConstraint(vocabulary);
            for (int step = 0; step < 60; step++)
            {
                int[] allowed = AllowedIds(constraint, vocabulary);
                Assert.That(allowed, Is.EqualTo(Enumerable.Range(0, vocabulary.Count).Where(constraint.Allows)));
                if (allowed.Length == 0) break;
                constraint.Accept(allowed[random.Next(allowed.Length)]);
            }
        }
    }

    [Test]
    public void A_sampler_is_held_to_the_grammar()
    {
        var vocabulary = new WordVocabulary([.. Enumerable.Range(32, 95).Select(c => ((char)c).ToString()), "</s>", "\": \"", "name", "{\"", "\"}"], 95);
        var grammar = Grammar.FromJsonSchema("""{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 120}}, "required": ["name", "age"], "additionalProperties": false}""");
        for (uint seed = 0; seed < 20; seed++)
        {
            var sampler = new Sampler(new SamplerOptions { Seed = seed, Temperature = 2 }, vocabulary, grammar.CreateConstraint(vocabulary));
            var random = new Random((int)seed);
            var text = new StringBuilder();
            float[] logits = new float[vocabulary.Count];
            for (int step = 0; step < 500; step++)
            {
                for (int i = 0; i < logits.Length; i++) logits[i] = random.NextSingle() * 8;
                int token = sampler.Sample(logits);
                if (vocabulary.IsEndOfGeneration(token)) break;
                sampler.Accept(token);
                text.Append(Encoding.UTF8.GetString(vocabulary.Piece(token)));
            }

            var parsed = System.Text.Json.JsonDocument.Parse(text.ToString()).RootElement;
            Assert.That(parsed.GetProperty("age").GetInt32(), Is.InRange(0, 120));
            Assert.That(parsed.GetProperty("name").GetString()!.Length, Is.LessThanOrEqualTo(12));
        }
    }

    [Test]
    public void Memory_stays_bounded_over_a_long_answer()
    {
        var vocabulary = new WordVocabulary(["[", "]", "1", ","]);
        ITokenConstraint constraint = Grammar.Parse("root ::= v\nv ::= \"[\" (v (\",\" v)*)? \"]\" | \"1\"").CreateConstraint(vocabulary);
        var random = new Random(1);
        float[] logits = new float[4];
        int depth = 0;
        for (int step = 0; step < 20000; step++)
        {
            Array.Clear(logits);
            constraint.Mask(logits);
            int[] allowed = [.. Enumerable.Range(0, 4).Where(i => logits[i] == 0 && !(i == 1 && depth == 1))];
            int token = allowed[random.Next(allowed.Length)];
            if (step == 0) token = 0;
            constraint.Accept(token);
            depth += token == 0 ? 1 : token == 1 ? -1 : 0;
        }

        GC.Collect();
        Assert.That(GC.GetTotalMemory(true), Is.LessThan(500L << 20));
    }

    private static string[] Allowed(ITokenConstraint constraint) => [.. AllowedIds(constraint, Vocabulary).Select(id => Words[id])];

    private static int[] AllowedIds(ITokenConstraint constraint, IVocabulary vocabulary)
    {
        float[] logits = new float[vocabulary.Count];
        constraint.Mask(logits);
        return [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] == 0)];
    }
}
