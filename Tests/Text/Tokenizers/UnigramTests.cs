using System.Buffers.Binary;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

public sealed class UnigramTests
{
    private static readonly string[] Tokens = ["<pad>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁a", "▁ab", "bb", "<x>"];
    private static readonly float[] Scores = [0, 0, 0, -2, -3, -3, -4, -4, -5.5f, -5, -9];

    [TestCase("ab", "▁ab")]
    [TestCase("  ab   a ", "▁ab ▁a")]
    [TestCase("aé中b", "▁a <unk> b", Description = "neighbouring unknown characters are one")]
    [TestCase("a<x>b", "▁a <x> ▁ b", Description = "text after a special token starts a word")]
    [TestCase("   ", "")]
    [TestCase("", "")]
    public void Segments(string text, string pieces) => Assert.That(Encode(new(Vocabulary), text), Is.EqualTo(pieces));

    [Test]
    public void The_best_sum_of_scores_wins_as_by_trying_everything()
    {
        var random = new Random(2);
        for (int round = 0; round < 200; round++)
        {
            float[] scores = [.. Scores.Select(_ => -random.Next(1, 1000) / 100f)];
            string text = string.Concat(Enumerable.Range(0, 8).Select(_ => "ab"[random.Next(2)]));
            Tokenizer tokenizer = new(Vocabulary with { Scores = scores });
            Assert.That(Encode(tokenizer, text), Is.EqualTo(Best("▁" + text, scores).Way));
        }
    }

    [Test]
    public void Spaces_stay_where_the_vocabulary_says_so()
    {
        Tokenizer tokenizer = new(Vocabulary with { RemoveExtraWhitespaces = false, AddSpacePrefix = false });
        Assert.That(Encode(tokenizer, "a  b"), Is.EqualTo("a ▁ ▁ b"));
    }

    [Test]
    public void The_map_replaces_the_longest_match()
    {
        Tokenizer tokenizer = new(Vocabulary with { CharsMap = Map() });
        Assert.That(Encode(tokenizer, "Ab"), Is.EqualTo("▁ab"));
        Assert.That(Encode(tokenizer, "AZb"), Is.EqualTo("▁a <unk> b"), "a rule that needs more than is there does not apply");
    }

    [TestCase(new byte[] { 1 })]
    [TestCase(new byte[] { 4, 0, 0, 0, 1, 2, 3, 4 })]
    [TestCase(new byte[] { 3, 0, 0, 0, 1, 2, 3, 4 })]
    [TestCase(new byte[] { 255, 255, 255, 255, 1, 2, 3, 4 })]
    public void A_map_whose_sizes_do_not_fit_is_refused(byte[] map) => Assert.That(
        () => new Tokenizer(Vocabulary with { CharsMap = map }),
        Throws.TypeOf<TokenizerException>().With.Property("Key").EqualTo("tokenizer.ggml.precompiled_charsmap"));

    [Test]
    public void Damaged_maps_never_reach_outside()
    {
        var random = new Random(4);
        for (int round = 0; round < 200; round++)
        {
            byte[] map = Map();
            for (int i = 0; i < 300; i++) map[random.Next(4, map.Length)] = (byte)random.Next(256);
            Assert.That(() => new Tokenizer(Vocabulary with { CharsMap = map }).Encode("AbAAA<x>\u00FF\u4E2D", false, false), Throws.Nothing);
        }
    }

    private static TokenizerVocabulary Vocabulary => new()
    {
        Family = TokenizerFamily.Unigram,
        Tokens = TestVocabulary.Utf8(Tokens),
        Scores = Scores,
        Types = [3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 4],
        Unknown = 2,
        Eos = 1,
        AddSpacePrefix = true,
        RemoveExtraWhitespaces = true,
    };

    /// <summary>One rule: A becomes a. Units: the root's base leads to unit 0x100 ^ 'A', a leaf whose value stands at base 1 from it.</summary>
    private static byte[] Map()
    {
        var units = new uint[0x200];
        units[0] = 0x100 << 10;
        units[0x100 ^ 'A'] = (1 << 10) | 0x100 | 'A';
        units[0x100 ^ 'A' ^ 1] = 0;
        var map = new byte[4 + (4 * units.Length) + 2];
        BinaryPrimitives.WriteInt32LittleEndian(map, 4 * units.Length);
        for (int i = 0; i < units.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(4 + (4 * i)), units[i]);
        map[^2] = (byte)'a';
        return map;
    }

    private static (double Sum, string Way) Best(string text, float[] scores)
    {
        if (text.Length == 0) return (0, "");
        (double Sum, string Way) best = (double.NegativeInfinity, "");
        for (int id = 3; id < Tokens.Length - 1; id++)
        {
            if (!text.StartsWith(Tokens[id], StringComparison.Ordinal)) continue;
            (double sum, string way) = Best(text[Tokens[id].Length..], scores);
            if (sum + scores[id] > best.Sum) best = (sum + scores[id], $"{Tokens[id]} {way}".TrimEnd());
        }

        return best;
    }

    private static string Encode(Tokenizer tokenizer, string text) =>
        string.Join(' ', tokenizer.Encode(text, false, false).Select(id => Tokens[id]));
}
