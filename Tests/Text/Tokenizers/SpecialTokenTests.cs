using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Special tokens: found in text or not, begin and end, end of generation.</summary>
public sealed class SpecialTokenTests
{
    private const int FirstSpecial = 256;

    [Test]
    public void Control_tokens_are_found_only_where_asked_for()
    {
        Tokenizer tokenizer = BytePair(TokenType.Control, "<|im_start|>", "<|im_end|>");
        Assert.That(tokenizer.Encode("a<|im_end|>b", false, true), Is.EqualTo(new[] { 'a', 257, 'b' }));
        Assert.That(tokenizer.Encode("a<|im_end|>b", false, false), Has.Length.EqualTo(12));
    }

    [Test]
    public void User_defined_tokens_are_always_found()
    {
        Tokenizer tokenizer = BytePair(TokenType.UserDefined, "<image>");
        Assert.That(tokenizer.Encode("<image><image>x", false, false), Is.EqualTo(new[] { 256, 256, 'x' }));
    }

    [Test]
    public void The_longest_token_wins_even_where_a_shorter_begins_earlier()
    {
        Tokenizer tokenizer = BytePair(TokenType.UserDefined, "ab", "bcd", "d");
        Assert.That(tokenizer.Encode("abcd", false, false), Is.EqualTo(new[] { 'a', 257 }));
        Assert.That(tokenizer.Encode("abd", false, false), Is.EqualTo(new[] { 256, 258 }));
    }

    [Test]
    public void Splitting_equals_searching_every_token_in_turn()
    {
        var random = new Random(5);
        for (int round = 0; round < 300; round++)
        {
            string[] special = [.. Enumerable.Range(0, 6).Select(_ => Letters(random, random.Next(1, 5))).Distinct()];
            Tokenizer tokenizer = BytePair(TokenType.UserDefined, special);
            string text = Letters(random, 60);
            Assert.That(tokenizer.Encode(text, false, false), Is.EqualTo(ByTheBook(text, special)), string.Join(' ', special));
        }
    }

    [Test]
    public void Begin_and_end_follow_the_flags()
    {
        TokenizerVocabulary vocabulary = TestVocabulary.SentencePiece("a") with { AddEos = true };
        Assert.That(new Tokenizer(vocabulary).Encode("", true, true), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(new Tokenizer(vocabulary with { AddBos = false, AddEos = false }).Encode("", true, true), Is.Empty);
        Assert.That(new Tokenizer(vocabulary with { Bos = -1 }).AddBos, Is.False);
    }

    [Test]
    public void The_space_prefix_comes_back_after_a_special_token_only()
    {
        Tokenizer tokenizer = new(TestVocabulary.SentencePiece("a", "▁", "▁a"));
        Assert.That(tokenizer.Encode("a<s>a</s> a", false, true), Is.EqualTo(new[] { 261, 1, 261, 2, 260, 261 }));
        Assert.That(tokenizer.Encode("a<s>", true, false)[..2], Is.EqualTo(new[] { 1, 261 }));
    }

    [Test]
    public void Phi3_swallows_white_space_after_its_control_tokens()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("phi-3");
        Assert.That(tokenizer.TryFindToken("<|end|>", out int end));
        int[] without = tokenizer.Encode("<|end|>Hello", false, true);
        Assert.That(tokenizer.Encode("<|end|> \n\tHello", false, true), Is.EqualTo(without));
        Assert.That(without[0], Is.EqualTo(end));
    }

    [TestCase("llama-bpe", "<|eot_id|>", "<|end_of_text|>")]
    [TestCase("qwen2", "</s>", "<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")]
    [TestCase("phi-3", "<|end|>", "<|endoftext|>", "</s>")]
    [TestCase("llama-spm", "</s>")]
    [TestCase("gpt-2", "<|endoftext|>")]
    public void Generation_ends_at(string name, params string[] texts)
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        int[] expected = [.. texts.Select(text => tokenizer.TryFindToken(text, out int id) ? id : throw new InvalidOperationException(text)).Order()];
        Assert.That(Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration), Is.EqualTo(expected));
    }

    [Test]
    public void Ends_of_turn_are_recognised_by_text_in_order_of_preference()
    {
        Tokenizer tokenizer = BytePair(TokenType.Normal, "<|endoftext|>", "<|im_end|>", "<|eom_id|>", "<eos>");
        Assert.That(tokenizer.Eot, Is.EqualTo(257));
        Assert.That(tokenizer.Eom, Is.EqualTo(258));
        Assert.That(tokenizer.Type(257), Is.EqualTo(TokenType.Control));
        Assert.That(tokenizer.IsEndOfGeneration(259));
        Assert.That(new Tokenizer(TestVocabulary.BytePair("gpt-2", [], ["<|im_end|>"]) with { Eot = 65 }).Eot, Is.EqualTo(65));
    }

    [Test]
    public void In_the_harmony_format_end_is_not_the_end()
    {
        Tokenizer tokenizer = BytePair(TokenType.Control, "<|end|>", "<|return|>", "<|call|>", "<|channel|>");
        Assert.That(Enumerable.Range(FirstSpecial, 4).Where(tokenizer.IsEndOfGeneration), Is.EqualTo(new[] { 257, 258 }));
        Assert.That(tokenizer.Decode([259]), Is.EqualTo("<|channel|>"));
    }

    [Test]
    public void Pieces_show_text_and_hide_control()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("llama-spm");
        Assert.That(tokenizer.Piece(tokenizer.Bos).Length, Is.Zero);
        Assert.That(tokenizer.Piece(tokenizer.Bos, special: true).SequenceEqual("<s>"u8));
        Assert.That(tokenizer.Piece(3 + 0xE4).SequenceEqual((ReadOnlySpan<byte>)[0xE4]));
        Assert.That(tokenizer.TryFindToken("▁Hello", out int hello));
        Assert.That(tokenizer.Piece(hello).SequenceEqual(" Hello"u8));
        IVocabulary vocabulary = tokenizer;
        Assert.That(vocabulary.Count, Is.EqualTo(32000));
        Assert.That(vocabulary.Piece(1).SequenceEqual("<s>"u8));
        Assert.That(vocabulary.Tokenize("Hello world"), Is.EqualTo(new[] { 15043, 3186 }));
    }

    [Test]
    public void Ids_outside_are_refused()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("gpt-2");
        Assert.That(() => tokenizer.Decode([50257]), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => tokenizer.Decode([-1]), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => tokenizer.IsEndOfGeneration(50257), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    private static Tokenizer BytePair(TokenType type, params string[] special) => new(TestVocabulary.BytePair("gpt-2", [], special, type));

    private static string Letters(Random random, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => "abc"[random.Next(3)]));

    private static List<int> ByTheBook(string text, string[] special)
    {
        List<(string Text, int Token)> fragments = [(text, -1)];
        foreach (string pattern in special.OrderByDescending(token => token.Length).ThenBy(token => Array.IndexOf(special, token)))
        {
            fragments =
            [
                .. fragments.SelectMany(fragment => fragment.Token >= 0
                    ? [fragment]
                    : fragment.Text.Split(pattern).SelectMany((part, i) =>
                        i == 0 ? new[] { (part, -1) } : [(pattern, FirstSpecial + Array.IndexOf(special, pattern)), (part, -1)])),
            ];
        }

        return [.. fragments.SelectMany(fragment => fragment.Token >= 0 ? [fragment.Token] : fragment.Text.Select(c => (int)c))];
    }
}
