using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Long runs of what hurts most, up to a million bytes. Were anything quadratic, these tests would run for many minutes.</summary>
public sealed class HostileTextTests
{
    private const int Length = 200_000;

    private static readonly string[] Vocabulary = ["llama-spm", "llama-bpe", "mpt", "deepseek-llm"];

    private static readonly string[] Texts = ["a", " ", "\n", "'", "\t ", "ab", "a b", "1", "中", "é", "\U0001F600", "ʰAAAA", "<|im_end|>", "\u0301"];

    [Test]
    public void Repetition_is_encoded_and_comes_back([ValueSource(nameof(Vocabulary))] string name, [ValueSource(nameof(Texts))] string unit)
    {
        string text = string.Concat(Enumerable.Repeat(unit, Length / Encoding.UTF8.GetByteCount(unit)));
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        Assert.That(tokenizer.Decode(tokenizer.Encode(text, false, true), special: true), Is.EqualTo(text));
    }

    [Test]
    public void A_million_of_one_character([Values("llama-spm", "llama-bpe")] string name, [Values('a', ' ')] char letter)
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        int[] ids = tokenizer.Encode(new string(letter, 1_000_000), false, true);
        Assert.That(ids.Sum(id => tokenizer.Piece(id).Length), Is.EqualTo(1_000_000 + (tokenizer.AddSpacePrefix ? 1 : 0)));
    }

    [Test]
    public void Random_bytes_are_encoded([ValueSource(nameof(Vocabulary))] string name)
    {
        var bytes = new byte[Length];
        new Random(1).NextBytes(bytes);
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        int[] ids = tokenizer.Encode(bytes, false, true);
        Assert.That(ids, Has.All.InRange(0, tokenizer.VocabularySize - 1));
        if (name != "llama-spm") return;
        List<byte> back = [];
        foreach (int id in ids) back.AddRange(tokenizer.Piece(id));

        // A byte that claims more bytes than its own swallows a following space, which by then is written U+2581.
        string expected = " " + Encoding.Latin1.GetString(bytes);
        Assert.That(Encoding.Latin1.GetString([.. back]).Replace("\u00E2\u0096\u0081", " "), Is.EqualTo(expected), "byte tokens keep what is not UTF-8");
    }

    [Test]
    public void Lone_surrogates_count_as_replacement_characters([ValueSource(nameof(Vocabulary))] string name)
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        Assert.That(tokenizer.Encode("a\uD83D b\uDE00", false, false), Is.EqualTo(tokenizer.Encode("a\uFFFD b\uFFFD", false, false)));
        Assert.That(tokenizer.Encode(new string('\uD800', Length / 3), false, false), Is.Not.Empty);
    }

    [Test]
    public void Every_pre_tokenizer_takes_long_runs_in_its_stride(
        [Values("llama-bpe", "deepseek-llm", "deepseek-v3", "gpt-4o", "kimi-k2", "viking", "youtu", "gemma4")] string name,
        [Values(" ", "\n ", "a", "A", "ʰA", "1", "中", "'", "a ")] string unit)
    {
        Tokenizer tokenizer = new(TestVocabulary.BytePair(name, []));
        string text = string.Concat(Enumerable.Repeat(unit, Length / unit.Length)) + "x";
        Assert.That(tokenizer.Encode(text, false, false), name == "gemma4" ? Is.Not.Null : Is.Not.Empty);
    }

    [Test]
    public void Long_words_of_other_families()
    {
        Assert.That(Vocabularies.Tokenizer("bert-bge").Encode(new string('a', Length), true, true), Has.Length.GreaterThan(2));
    }
}
