using TinyMllm.Engine.Sampling;
using TinyMllm.Engine.Sampling.Stages;

namespace TinyMllm.Tests.Sampling;

public class DryTests
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e", "\n", ":x", "q:", " stop", "st", "op"];

    [TestCase("abcab", 2, "c", 0, Description = "ab was followed by c: a run of 2 costs multiplier · base^0")]
    [TestCase("abcdabc", 2, "d", 1)]
    [TestCase("aaaa", 2, "a", 1, Description = "the suffix aaa also ends one earlier, so its length is 3")]
    [TestCase("abcdefab", 2, "", 0, Description = "e f unknown")]
    public void A_run_that_would_go_on_is_penalised(string text, int allowed, string token, int exponent)
    {
        text = text.Replace("f", "", StringComparison.Ordinal);
        float[] penalties = Penalties(Ids(text), allowed, []);
        int id = Array.IndexOf(Letters, token);
        for (int i = 0; i < Letters.Length; i++)
            Assert.That(penalties[i], Is.EqualTo(i == id ? 2 * MathF.Pow(1.5f, exponent) : token.Length == 0 ? penalties[i] : 0).Within(1e-6), Letters[i]);
    }

    [Test]
    public void A_breaker_ends_the_run_that_counts()
    {
        int[] text = [0, 1, 5, 2, 0, 1, 5]; // a b \n c a b \n
        Assert.That(Penalties(text, 2, [])[2], Is.GreaterThan(0));
        Assert.That(Penalties(text, 2, ["\n"]), Is.All.Zero);
        Assert.That(Penalties([0, 1, 2, 3, 5, 0, 1, 2], 3, ["\n"])[3], Is.GreaterThan(0), "a run within the limit counts");
        Assert.That(Penalties([0, 1, 2, 3, 0, 1, 5, 1, 2], 3, ["\n"]), Is.All.Zero, "the run would cross the breaker");
    }

    [Test]
    public void Breakers_hide_in_tokens_and_between_them()
    {
        var vocabulary = new WordVocabulary(Letters);
        var inside = new DryBreakers(vocabulary, [":"]);
        Assert.That(Enumerable.Range(0, Letters.Length).Where(inside.IsSingleToken), Is.EqualTo(new[] { 6, 7 }));

        var across = new DryBreakers(vocabulary, ["stop"]);
        Assert.That(Enumerable.Range(0, Letters.Length).Where(across.IsSingleToken), Is.EqualTo(new[] { 8 }));
        var history = new TokenHistory(8);
        foreach (int token in new[] { 0, 9, 10 }) history.Push(token, out _);
        Assert.That(across.LongestTail(history, 1), Is.EqualTo(1), "st op");
        Assert.That(across.LongestTail(history, 0), Is.EqualTo(-1));
    }

    [Test]
    public void Agrees_with_the_plain_definition_on_random_texts()
    {
        var random = new Random(3);
        for (int round = 0; round < 500; round++)
        {
            int[] text = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(random.Next(2, 4)))];
            int allowed = random.Next(1, 5);
            float[] expected = new float[Letters.Length];
            for (int token = 0; token < Letters.Length; token++)
            {
                int longest = 0;
                // Every earlier place where the token stands: how long is the suffix of the text that ends right before it?
                for (int at = 0; at < text.Length; at++)
                {
                    if (text[at] != token) continue;
                    int length = 0;
                    while (at - 1 - length >= 0 && text[at - 1 - length] == text[text.Length - 1 - length]) length++;
                    longest = Math.Max(longest, length);
                }

                expected[token] = text.Length > allowed && longest >= allowed ? 2 * MathF.Pow(1.5f, longest - allowed) : 0;
            }

            Assert.That(Penalties(text, allowed, []), Is.EqualTo(expected).Within(1e-3).Percent, string.Join(' ', text) + $" allowed {allowed}");
        }
    }

    private static int[] Ids(string text) => [.. text.Select(letter => Array.IndexOf(Letters, letter.ToString()))];

    private static float[] Penalties(int[] text, int allowed, string[] breakers)
    {
        var stage = new Dry(Letters.Length, 100, 2, 1.5f, allowed, new DryBreakers(new WordVocabulary(Letters), breakers));
        foreach (int token in text) stage.Accept(token);
        var candidates = new Candidates(Letters.Length);
        for (int round = 0; round < 2; round++)
        {
            candidates.Load(new float[Letters.Length]);
            stage.Apply(candidates);
        }

        return [.. candidates.Logits.ToArray().Select(logit => -logit)];
    }
}
