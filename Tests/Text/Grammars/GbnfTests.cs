using TinyMllm.Loaders.Text.Grammars;

namespace TinyMllm.Tests.Text.Grammars;

public class GbnfTests
{
    [TestCase("root ::= \"abc\"", "abc", "|ab|abcd|ABC")]
    [TestCase("root ::= \"a\"*", "|a|aaaa", "b|ab")]
    [TestCase("root ::= \"ab\"+", "ab|abab", "|aba|a")]
    [TestCase("root ::= \"ab\"? \"c\"", "c|abc", "ac|ababc")]
    [TestCase("root ::= [a-c]{2}", "ab|cc", "a|abc|dd")]
    [TestCase("root ::= [a-c]{2,}", "ab|ccccc", "a|d")]
    [TestCase("root ::= [a-c]{1,3}", "a|abc", "|abca")]
    [TestCase("root ::= \"ab\"{0,2}", "|ab|abab", "ababab")]
    [TestCase("root ::= [^a-c]", "d|é|🦙", "a|dd|")]
    [TestCase("root ::= [-a] [a-] [a\\-z]", "-a-|a-z|aaa", "b-a|bba", Description = "dash first, last; the escape is an error")]
    [TestCase("root ::= [-a] [a-] [\\]\\[\\\\\\x41\\u00e9\\U0001F999]", "-a]|a-[|a-\\|--A|--é|--🦙", "b-]|a-b")]
    [TestCase("root ::= . .", "ab|é🦙|\n ", "a|abc")]
    [TestCase("root ::= a | b\na ::= \"x\" b?\nb ::= \"y\"", "x|xy|y", "yx|")]
    [TestCase("root ::= \"x\" |", "x|", "xx")]
    [TestCase("root ::= (\"a\" | \"b\" (\"c\")*)+ \"!\"", "a!|bcc!|abca!", "!|ca!")]
    [TestCase("# comment\nroot ::= # more\n  \"a\" | # and\n \"b\"  # end\n\n\n", "a|b", "c")]
    [TestCase("root ::= (\n \"a\"\n | \"b\" )\n", "a|b", "c")]
    [TestCase("root ::= expr\nexpr ::= term (\"+\" term)*\nterm ::= [0-9]+ | \"(\" expr \")\"", "1|1+23|(1+2)+3|((4))", "|+|1+|(1|1)")]
    [TestCase("root ::= \"(\" root \")\" | \"\"", "|()|((()))", "(|())|)(")]
    [TestCase("root ::= \"a\" root \"b\" | \"ab\"", "ab|aabb|aaabbb", "|aab|abb")]
    [TestCase("root ::= s \"c\"\ns ::= \"a\" s | \"a\"", "ac|aaac", "c|a")]
    [TestCase("root ::= \"\\\"\\n\\t\\r\\\\\"", "\"\n\t\r\\", "n")]
    [TestCase("root ::= \"a\"?{3}", "|a|aa|aaa", "aaaa")]
    [TestCase("root ::= (\"a\"{2} \"b\"){2}", "aabaab", "aab|aabaabaab")]
    [TestCase("root ::= \"é\" \"日本\"", "é日本", "e日本|é日")]
    public void Texts_match_or_not(string gbnf, string accepted, string rejected)
    {
        if (gbnf.Contains("\\-", StringComparison.Ordinal))
        {
            Assert.Throws<GrammarException>(() => Grammar.Parse(gbnf));
            return;
        }

        var grammar = Grammar.Parse(gbnf);
        foreach (string text in accepted.Split('|')) Assert.That(grammar.Matches(text), Is.True, $"'{text}'");
        foreach (string text in rejected.Split('|')) Assert.That(grammar.Matches(text), Is.False, $"'{text}'");
    }

    [TestCase("a ::= \"x\"", "there is no rule 'root'")]
    [TestCase("root ::= b", "rule 'b' is not defined")]
    [TestCase("root ::= root \"a\" | \"b\"", "rule 'root' is left-recursive")]
    [TestCase("root ::= a \"x\"\na ::= b\nb ::= a | \"y\"", "is left-recursive")]
    [TestCase("root ::= \"\"? root \"x\" | \"y\"", "is left-recursive", Description = "through what can be nothing")]
    [TestCase("root ::= (\"a\"*)*", "is left-recursive")]
    [TestCase("root ::= \"abc", "line 1, column 14: literal without its closing")]
    [TestCase("root ::= [abc", "set without its closing")]
    [TestCase("root ::= [b-a]", "goes backwards")]
    [TestCase("root ::= (\"a\"", "expected ')'")]
    [TestCase("root ::= \"a\")", "unexpected ')'")]
    [TestCase("root ::= \"\\q\"", "unknown escape '\\q'")]
    [TestCase("root ::= \"\\x4\"", "expected 2 hexadecimal digits")]
    [TestCase("root ::= \"\\UFFFFFFFF\"", "expected 8 hexadecimal digits")]
    [TestCase("root ::= \"a\"{3,2}", "ends before it begins")]
    [TestCase("root ::= \"a\"{2001}", "more than 2000 repetitions")]
    [TestCase("root ::= \"a\"{99999999999}", "more than 2000 repetitions")]
    [TestCase("root ::= \"a\"{x}", "expected a number")]
    [TestCase("root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice")]
    [TestCase("root = \"a\"", "expected '::='")]
    [TestCase("root ::= \"a\"\n | \"b\"", "line 2", Description = "a rule ends with its line")]
    [TestCase("root ::= *", "unexpected '*'")]
    [TestCase("", "there is no rule 'root'")]
    [TestCase("root ::= <nothing>", "'<nothing>' is no token of the vocabulary")]
    public void Errors_say_where_and_what(string gbnf, string problem) =>
        Assert.That(Assert.Throws<GrammarException>(() => Grammar.Parse(gbnf))!.Message, Does.StartWith("grammar").And.Contain(problem));

    [Test]
    public void Nesting_and_size_are_limited()
    {
        Assert.Throws<GrammarException>(() => Grammar.Parse("root ::= " + new string('(', 100000)));
        foreach (string product in new[] { "\"ab\"{2000}{2}", "[a-z]{0,50}{0,50}", "(\"a\" (\"b\"{100} | \"c\")){21}", "((\"a\"{50})? \"b\"){50}" })
            Assert.That(Assert.Throws<GrammarException>(() => Grammar.Parse("root ::= " + product))!.Message, Does.Contain("multiply to more than 2000"), product);
        Assert.That(Grammar.Parse("root ::= (\"a\"{100} | \"b\"){20} \"c\"{2000}").Matches(new string('b', 20) + new string('c', 2000)), Is.True);

        // Products over several rules are not seen when reading, but when matching.
        var deep = Grammar.Parse("root ::= a{0,2000}\na ::= \"x\"? b{0,2000}\nb ::= c{1,2000}\nc ::= [a-z] | [b-y]");
        Assert.Throws<GrammarException>(() => deep.Matches(new string('b', 50)));
        Assert.That(Grammar.Parse("root ::= \"(\" root \")\" | \"\"").Matches(new string('(', 20000) + new string(')', 20000)), Is.True);
    }

    [Test]
    public void Ambiguity_does_not_explode()
    {
        var grammar = Grammar.Parse("root ::= a a a a a a a a \"!\"\na ::= [ab]* [ab]? [ab]*");
        Assert.That(grammar.Matches(string.Concat(Enumerable.Repeat("ab", 5000)) + "!"), Is.True);
        grammar = Grammar.Parse("root ::= s\ns ::= \"a\" s s | \"a\"");
        Assert.That(grammar.Matches(new string('a', 301)), Is.True);
        Assert.That(grammar.Matches(new string('a', 300)), Is.False);
    }

    [Test]
    public void Damaged_grammars_give_the_typed_error_or_work()
    {
        var random = new Random(2);
        const string good = "root ::= object\nobject ::= \"{\" ws (string \":\" value (\",\" ws string)*)? \"}\"\nvalue ::= object | [0-9]{1,3} | string?\nstring ::= \"\\\"\" [^\"\\\\\\x7F]* \"\\\"\"\nws ::= [ \\t\\n]*\n";
        for (int round = 0; round < 5000; round++)
        {
            var text = new System.Text.StringBuilder(good);
            for (int change = random.Next(1, 5); change > 0; change--)
            {
                int at = random.Next(text.Length);
                if (random.Next(2) == 0) text.Remove(at, Math.Min(text.Length - at, random.Next(1, 8)));
                else text.Insert(at, "()[]{}|*+?\"\\.^-<>!#:= \nx9"[random.Next(25)]);
                if (text.Length == 0) break;
            }

            try
            {
                Grammar.Parse(text.ToString()).Matches("{\"a\":{\"b\":12},  \"c\"}");
            }
            catch (GrammarException)
            {
            }
        }
    }
}
