using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Vocabularies from metadata: defaults of the families, and every way to be wrong.</summary>
public sealed class VocabularyReaderTests
{
    [Test]
    public void A_silent_file_gets_the_defaults_of_its_family()
    {
        var spm = Tokenizer.Load(SentencePiece());
        Assert.That((spm.Bos, spm.Eos, spm.Unknown), Is.EqualTo((1, 2, 0)));
        Assert.That((spm.AddBos, spm.AddEos, spm.AddSpacePrefix), Is.EqualTo((true, false, true)));

        var bpe = Tokenizer.Load(BytePair());
        Assert.That((bpe.Bos, bpe.Eos), Is.EqualTo((11, 11)));
        Assert.That((bpe.AddBos, bpe.AddSpacePrefix), Is.EqualTo((false, false)));
        Assert.That(Tokenizer.Load(BytePair(("tokenizer.ggml.pre", GgufValue.From("llama-bpe")))).AddBos, Is.True);
        Assert.That(Tokenizer.Load(BytePair(("tokenizer.ggml.pre", GgufValue.From("glm4")))).Bos, Is.EqualTo(-1));

        var bert = Tokenizer.Load(Metadata("bert", Tokens(110)));
        Assert.That((bert.Bos, bert.Separator, bert.Unknown, bert.Padding), Is.EqualTo((101, 102, 100, 0)));
    }

    [Test]
    public void The_file_has_the_last_word()
    {
        var tokenizer = Tokenizer.Load(SentencePiece(
            ("tokenizer.ggml.bos_token_id", GgufValue.From(4u)), ("tokenizer.ggml.add_bos_token", GgufValue.From(false)),
            ("tokenizer.ggml.add_eos_token", GgufValue.From(true)), ("tokenizer.ggml.add_space_prefix", GgufValue.From(false)),
            ("tokenizer.ggml.eot_token_id", GgufValue.From(3u)), ("tokenizer.ggml.suppress_tokens", GgufValue.From([4, 2, 4, 99, -1]))));
        Assert.That((tokenizer.Bos, tokenizer.Eot), Is.EqualTo((4, 3)));
        Assert.That((tokenizer.AddBos, tokenizer.AddEos, tokenizer.AddSpacePrefix), Is.EqualTo((false, true, false)));
        Assert.That(tokenizer.SuppressedTokens, Is.EqualTo(new[] { 2, 4 }));
        Assert.That(tokenizer.IsEndOfGeneration(3));
    }

    [Test]
    public void Gemma4_is_byte_pair_over_plain_text_with_a_start_token()
    {
        var tokenizer = Tokenizer.Load(Metadata(
            "gemma4", Tokens(5), ("tokenizer.ggml.merges", GgufValue.From(["t 0"])), ("tokenizer.ggml.bos_token_id", GgufValue.From(0u)),
            ("tokenizer.ggml.add_bos_token", GgufValue.From(false))));
        Assert.That(tokenizer.AddBos);
        Assert.That(tokenizer.Encode("t2", true, false), Is.EqualTo(new[] { 0 }), "t and 2 are no tokens, and there are no bytes");
    }

    [TestCase("tokenizer.ggml.model")]
    [TestCase("tokenizer.ggml.tokens")]
    [TestCase("tokenizer.ggml.merges")]
    public void A_missing_key_is_named(string key)
    {
        GgufMetadata metadata = Without(BytePair(), key);
        Assert.That(() => Tokenizer.Load(metadata), Throws.TypeOf<GgufFormatException>().With.Message.Contains(key).And.Message.Contains("test.gguf"));
    }

    private static IEnumerable<TestCaseData> Contradictions()
    {
        yield return new TestCaseData("tokenizer.ggml.scores", GgufValue.From([1f, 2f])).SetName("fewer scores than tokens");
        yield return new TestCaseData("tokenizer.ggml.token_type", GgufValue.From([1, 1, 1])).SetName("fewer types than tokens");
        yield return new TestCaseData("tokenizer.ggml.token_type", GgufValue.From([1, 1, 1, 1, 7])).SetName("a type that is none");
        yield return new TestCaseData("tokenizer.ggml.tokens", GgufValue.From(Array.Empty<string>())).SetName("no tokens");
        yield return new TestCaseData("tokenizer.ggml.model", GgufValue.From("rwkv")).SetName("a family that is not supported");
    }

    [TestCaseSource(nameof(Contradictions))]
    public void A_contradiction_is_named(string key, object value)
    {
        GgufMetadata metadata = SentencePiece((key, (GgufValue)value));
        Assert.That(() => Tokenizer.Load(metadata), Throws.InstanceOf<TokenizerException>().With.Property("Key").EqualTo(key).And.Message.StartsWith(key));
    }

    [Test]
    public void A_value_of_another_type_is_named() => Assert.That(
        () => Tokenizer.Load(SentencePiece(("tokenizer.ggml.tokens", GgufValue.From(3u)))),
        Throws.TypeOf<GgufFormatException>().With.Message.Contains("tokenizer.ggml.tokens"));

    [Test]
    public void A_bad_merge_is_named([Values("", "a", "ab", "a ", " a", "  ")] string merge) => Assert.That(
        () => Tokenizer.Load(BytePair(("tokenizer.ggml.merges", GgufValue.From(["a b", merge])))),
        Throws.TypeOf<TokenizerException>().With.Message.StartsWith($"tokenizer.ggml.merges: merge 1 is '{merge}'"));

    [Test]
    public void An_unknown_pre_tokenizer_is_named() => Assert.That(
        () => Tokenizer.Load(BytePair(("tokenizer.ggml.pre", GgufValue.From("new-model")))),
        Throws.TypeOf<UnsupportedTokenizerException>().With.Property("Key").EqualTo("tokenizer.ggml.pre"));

    [Test]
    public void A_byte_token_must_be_written_so([Values("<0xG0>", "<0x00", "x")] string text) => Assert.That(
        () => Tokenizer.Load(Metadata("llama", GgufValue.From(["a", text]), ("tokenizer.ggml.token_type", GgufValue.From([1, 6])))),
        Throws.TypeOf<TokenizerException>().With.Message.StartsWith("tokenizer.ggml.tokens: token 1"));

    [Test]
    public void Special_tokens_outside_the_vocabulary_are_ignored_with_a_warning(
        [Values("bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "mask", "fim_pad", "fim_rep", "fim_sep")] string name,
        [Values("5", "4294967295", "18446744073709551615", "-7")] string id)
    {
        string key = $"tokenizer.ggml.{name}_token_id";
        GgufValue value = id[0] == '-' ? GgufValue.From(int.Parse(id))
            : uint.TryParse(id, out uint small) ? GgufValue.From(small) : GgufValue.From(ulong.Parse(id));
        Tokenizer tokenizer = Tokenizer.Load(SentencePiece((key, value))), silent = Tokenizer.Load(SentencePiece());
        Assert.That(tokenizer.Warnings, Is.EqualTo(new[] { $"{key}: found token {id}, but the vocabulary has 5 tokens; ignored" }));
        Assert.That(silent.Warnings, Is.Empty);
        Assert.That((tokenizer.Bos, tokenizer.Eos, tokenizer.Unknown, tokenizer.Eot, tokenizer.Eom, tokenizer.Separator, tokenizer.Padding),
            Is.EqualTo((silent.Bos, silent.Eos, silent.Unknown, silent.Eot, silent.Eom, silent.Separator, silent.Padding)));
        Assert.That(tokenizer.Encode("t3", true, true), Is.EqualTo(silent.Encode("t3", true, true)));
    }

    [Test]
    public void A_signed_minus_one_says_that_there_is_no_such_token()
    {
        var tokenizer = Tokenizer.Load(SentencePiece(
            ("tokenizer.ggml.bos_token_id", GgufValue.From(-1)), ("tokenizer.ggml.padding_token_id", GgufValue.From(-1))));
        Assert.That((tokenizer.Bos, tokenizer.AddBos, tokenizer.Padding), Is.EqualTo((-1, false, -1)));
        Assert.That(tokenizer.Warnings, Is.Empty);
    }

    [Test]
    public void Suppressed_tokens_outside_are_ignored_with_a_warning()
    {
        var suppressed = GgufValue.Array(GgufValueType.UInt32, new[] { 4u, uint.MaxValue, 2u });
        var tokenizer = Tokenizer.Load(SentencePiece(("tokenizer.ggml.suppress_tokens", suppressed)));
        Assert.That(tokenizer.SuppressedTokens, Is.EqualTo(new[] { 2, 4 }));
        Assert.That(tokenizer.Warnings.Single(), Does.StartWith("tokenizer.ggml.suppress_tokens: found token 4294967295"));
    }

    [Test]
    public void Of_equal_texts_the_last_is_found_and_empty_ones_get_a_name()
    {
        var tokenizer = Tokenizer.Load(Metadata("llama", GgufValue.From(["a", "", "a", ""])));
        Assert.That(tokenizer.TryFindToken("a", out int id) ? id : -1, Is.EqualTo(2));
        Assert.That(tokenizer.TryFindToken("[EMPTY_3]", out id) ? id : -1, Is.EqualTo(3));
    }

    private static GgufMetadata SentencePiece(params (string Key, GgufValue Value)[] entries) => Metadata("llama", Tokens(5), entries);

    private static GgufMetadata BytePair(params (string Key, GgufValue Value)[] entries) =>
        Metadata("gpt2", Tokens(20), [("tokenizer.ggml.merges", GgufValue.From(["t 1"])), .. entries]);

    private static GgufValue Tokens(int count) => GgufValue.From(Enumerable.Range(0, count).Select(id => $"t{id}"));

    private static GgufMetadata Metadata(string model, GgufValue tokens, params (string Key, GgufValue Value)[] entries)
    {
        OrderedDictionary<string, GgufValue> values = new() { ["tokenizer.ggml.model"] = GgufValue.From(model), ["tokenizer.ggml.tokens"] = tokens };
        foreach ((string key, GgufValue value) in entries) values[key] = value;
        return new GgufMetadata("test.gguf", values);
    }

    private static GgufMetadata Without(GgufMetadata metadata, string key)
    {
        OrderedDictionary<string, GgufValue> values = [];
        foreach ((string name, GgufValue value) in metadata.Entries)
            if (name != key) values[name] = value;
        return new GgufMetadata("test.gguf", values);
    }
}
