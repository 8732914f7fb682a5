using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>The heap and the table of pairs against merging by the book: look at all pairs, merge the best, start again.</summary>
public sealed class MergeTests
{
    [Test]
    public void Byte_pairs_merge_as_by_the_book([Values(3, 40, 48, 49, 300)] int length)
    {
        var random = new Random(length);
        for (int round = 0; round < 60; round++)
        {
            string[] merges = RandomMerges(random, 25);
            Tokenizer tokenizer = new(TestVocabulary.BytePair("gpt-2", merges));
            string text = RandomText(random, "abc", length);
            Assert.That(Texts(tokenizer, tokenizer.Encode(text, false, false)), Is.EqualTo(MergeByRank(text, merges)), string.Join(", ", merges));
        }
    }

    [Test]
    public void Pieces_merge_by_score_as_by_the_book([Values(3, 15, 16, 17, 100)] int length)
    {
        var random = new Random(length);
        for (int round = 0; round < 60; round++)
        {
            string[] pieces = [.. Enumerable.Range(0, 30).Select(_ => RandomText(random, "ab▁é", random.Next(1, 5))).Distinct()];
            TokenizerVocabulary vocabulary = TestVocabulary.SentencePiece(pieces);
            float[] scores = [.. vocabulary.Scores.Select(_ => random.Next(-6, 3) / 2f)];
            Tokenizer tokenizer = new(vocabulary with { Scores = scores, AddSpacePrefix = false });
            string text = RandomText(random, "ab é\U0001F600", length);
            var expected = MergeByScore(text.Replace(' ', '▁'), pieces.ToDictionary(piece => piece, piece => scores[259 + Array.IndexOf(pieces, piece)]));
            Assert.That(tokenizer.Encode(text, false, false), Is.EqualTo(expected.SelectMany(piece => Ids(tokenizer, piece))), text);
        }
    }

    [Test]
    public void What_merges_but_is_no_token_falls_apart_into_bytes()
    {
        TokenizerVocabulary vocabulary = TestVocabulary.BytePair("gpt-2", ["a b", "ab c"]);
        byte[][] tokens = [.. vocabulary.Tokens];
        tokens[^1] = "other"u8.ToArray(); // abc is now only in the merges
        Tokenizer tokenizer = new(vocabulary with { Tokens = tokens });
        Assert.That(tokenizer.Encode("abc", false, false), Is.EqualTo(new[] { (int)'a', 'b', 'c' }));
        Assert.That(tokenizer.Encode("ab", false, false), Is.EqualTo(new[] { 256 }));
    }

    [Test]
    public void Of_equal_pairs_the_first_rank_counts()
    {
        Tokenizer tokenizer = new(TestVocabulary.BytePair("gpt-2", ["a b", "b c", "a b"]));
        Assert.That(Texts(tokenizer, tokenizer.Encode("abc", false, false)), Is.EqualTo(new[] { "ab", "c" }));
    }

    [Test]
    public void A_whole_word_is_taken_only_where_the_merges_make_it_or_the_vocabulary_ignores_them()
    {
        TokenizerVocabulary vocabulary = TestVocabulary.BytePair("gpt-2", ["a b"], ["abc"], TokenType.Normal);
        Tokenizer tokenizer = new(vocabulary);
        for (int again = 0; again < 2; again++)
            Assert.That(Texts(tokenizer, tokenizer.Encode("abc", false, false)), Is.EqualTo(new[] { "ab", "c" }));
        Tokenizer ignoring = new(vocabulary with { PreTokenizer = "llama-bpe" });
        Assert.That(Texts(ignoring, ignoring.Encode("abc", false, false)), Is.EqualTo(new[] { "abc" }));
    }

    [Test]
    public void Plain_text_vocabularies_escape_spaces_and_fall_back_to_bytes()
    {
        string[] bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];
        Tokenizer tokenizer = new(new TokenizerVocabulary
        {
            Family = TokenizerFamily.BytePair,
            PreTokenizer = "gemma4",
            Tokens = TestVocabulary.Utf8([.. bytes, "a", "b", "▁", "▁a", "\n", "\n\n", "é"]),
            Types = [.. Enumerable.Repeat((int)TokenType.Byte, 256), .. Enumerable.Repeat((int)TokenType.Normal, 7)],
            Merges = TestVocabulary.Utf8(["▁ a"]),
        });
        int[] ids = tokenizer.Encode("a a\n\né\u4E2D", false, false);
        Assert.That(ids, Is.EqualTo(new[] { 256, 259, 261, 262, 0xE4, 0xB8, 0xAD }));
        Assert.That(tokenizer.Decode(ids), Is.EqualTo("a a\n\né\u4E2D"));
    }

    private static List<string> MergeByRank(string text, string[] merges)
    {
        List<string> symbols = [.. text.Select(c => c.ToString())];
        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = Array.IndexOf(merges, $"{symbols[i]} {symbols[i + 1]}");
                if (rank >= 0 && rank < bestRank) (best, bestRank) = (i, rank);
            }

            if (best < 0) return symbols;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }

    private static List<string> MergeByScore(string text, Dictionary<string, float> scores)
    {
        List<string> symbols = [.. text.EnumerateRunes().Select(rune => rune.ToString())];
        while (true)
        {
            int best = -1;
            float bestScore = float.NegativeInfinity;
            for (int i = 0; i + 1 < symbols.Count; i++)
                if (scores.TryGetValue(symbols[i] + symbols[i + 1], out float score) && score > bestScore) (best, bestScore) = (i, score);
            if (best < 0) return symbols;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }

    private static IEnumerable<int> Ids(Tokenizer tokenizer, string piece) =>
        tokenizer.TryFindToken(piece, out int id) ? [id] : Encoding.UTF8.GetBytes(piece).Select(value => 3 + value);

    private static List<string> Texts(Tokenizer tokenizer, int[] ids) => [.. ids.Select(id => tokenizer.Decode([id]))];

    private static string[] RandomMerges(Random random, int count)
    {
        List<string> symbols = ["a", "b", "c"];
        List<string> merges = [];
        for (int i = 0; i < count; i++)
        {
            string left = symbols[random.Next(symbols.Count)];
            string right = symbols[random.Next(symbols.Count)];
            if (left.Length + right.Length > 8 || symbols.Contains(left + right)) continue;
            merges.Add($"{left} {right}");
            symbols.Add(left + right);
        }

        return [.. merges.OrderBy(_ => random.Next())];
    }

    private static string RandomText(Random random, string alphabet, int length)
    {
        Rune[] letters = [.. alphabet.EnumerateRunes()];
        return string.Concat(Enumerable.Range(0, length).Select(_ => letters[random.Next(letters.Length)].ToString()));
    }
}
