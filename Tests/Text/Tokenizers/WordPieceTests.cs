using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

public sealed class WordPieceTests
{
    private static readonly string[] Tokens =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁e", "t", "te", "ste", "▁!", "▁中", "▁É", "▁ᄀ", "ᅡ", "ᆫ", "▁$", "▁un", "aff", "able"];

    [TestCase("été", "▁e te", Description = "accents go")]
    [TestCase("e\u0301te\u0301", "▁e te", Description = "as do combining ones")]
    [TestCase("ẸṬE", "▁e te")]
    [TestCase("unaffable UN!aff", "▁un aff able ▁un ▁! [UNK]")]
    [TestCase("e中\u0001\uFFFD\u200Bte$", "▁e ▁中 [UNK] ▁$", Description = "ideographs and signs stand alone, control characters vanish")]
    [TestCase("간", "▁ᄀ ᅡ ᆫ", Description = "syllables become letters")]
    [TestCase("\uF900", "[UNK]")]
    [TestCase("", "")]
    public void Words(string text, string pieces) => Assert.That(Encode(new(Vocabulary), text), Is.EqualTo(pieces));

    [Test]
    public void Case_and_accents_stay_where_the_vocabulary_says_so()
    {
        Tokenizer cased = new(Vocabulary with { Lowercase = false, StripAccents = false });
        Assert.That(Encode(cased, "É E e"), Is.EqualTo("▁É [UNK] ▁e"));
    }

    [Test]
    public void A_text_stands_between_start_and_separator() =>
        Assert.That(new Tokenizer(Vocabulary).Encode("e [MASK]", true, true), Is.EqualTo(new[] { 2, 5, 4, 3 }));

    private static TokenizerVocabulary Vocabulary => new()
    {
        Family = TokenizerFamily.WordPiece,
        Tokens = TestVocabulary.Utf8(Tokens),
        Types = [.. Tokens.Select(token => token[0] == '[' ? 3 : 1)],
        Bos = 2,
        Unknown = 1,
        Separator = 3,
        AddBos = true,
    };

    private static string Encode(Tokenizer tokenizer, string text) =>
        string.Join(' ', tokenizer.Encode(text, false, false).Select(id => Tokens[id]));
}
