using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Language;

/// <summary>
/// Files that cannot be run say why: the file, the key or tensor, what was found and expected; and do so before memory is taken.
/// </summary>
public class UnsupportedModelTests
{
    [TestCase("embedding_length")]
    [TestCase("context_length")]
    [TestCase("block_count")]
    [TestCase("attention.layer_norm_rms_epsilon")]
    public void AMissingKeyIsNamed(string key) => Expect(model => model.Without(key), $"'llama.{key}' is missing");

    [TestCase("token_embd.weight")]
    [TestCase("output_norm.weight")]
    [TestCase("blk.1.attn_k.weight")]
    [TestCase("blk.0.ffn_down.weight")]
    public void AMissingTensorIsNamed(string name) => Expect(model => model.Without(name), $"tensor '{name}' is missing");

    [Test]
    public void AWrongShapeIsNamed() => Expect(
        model => model.Tensor("blk.1.ffn_up.weight", 32, 47), "tensor 'blk.1.ffn_up.weight' is [32, 47], expected [32, 48]");

    [Test]
    public void AnUnknownArchitectureIsNamed()
    {
        using var model = new SyntheticModel("hyena").Usual();
        var file = model.Open();
        Assert.That(LanguageModel.Supports(file, out string reason), Is.False);
        Assert.That(reason, Does.Contain("architecture 'hyena' is not supported").And.Contain("llama"));
        Assert.That(() => LanguageModel.Load(file), Throws.TypeOf<UnsupportedModelException>().With.Message.EqualTo(reason));
    }

    [Test]
    public void AMissingArchitectureIsNamed()
    {
        using var model = new SyntheticModel("llama").Key("general.name", GgufValue.From("nothing else"));
        Assert.That(() => LanguageModel.Load(model.Open()), Throws.TypeOf<UnsupportedModelException>().With.Message.Contains("general.architecture"));
    }

    [TestCase("block_count", 100000000)]
    [TestCase("embedding_length", 2000000000)]
    [TestCase("attention.head_count_kv", 3)]
    [TestCase("rope.dimension_count", 64)]
    [TestCase("rope.dimension_count", 7)]
    [TestCase("expert_count", 100000)]
    [TestCase("vocab_size", 41)]
    public void AbsurdNumbersAreRefused(string key, int value)
    {
        using var model = Llama().Key(key, value);
        Assert.That(() => LanguageModel.Load(model.Open()), Throws.TypeOf<UnsupportedModelException>());
    }

    [Test]
    public void MultimodalArchitecturesNeedTheirSections()
    {
        using var model = new SyntheticModel("qwen2vl").Usual().Layer((m, p) => m.Attention(p).Dense(p));
        Assert.That(LanguageModel.Supports(model.Open(), out string reason), Is.False);
        Assert.That(reason, Does.Contain("'qwen2vl.rope.dimension_sections' is missing").And.Contain(".gguf"));
    }

    private static SyntheticModel Llama() => new SyntheticModel("llama").Usual().Layer((m, p) => m.Attention(p).Dense(p));

    private static void Expect(Func<SyntheticModel, SyntheticModel> spoil, string message)
    {
        using var model = spoil(Llama());
        var file = model.Open();
        Assert.That(LanguageModel.Supports(file, out string reason), Is.False);
        Assert.That(reason, Does.Contain(message).And.Contain(".gguf"));
        Assert.That(() => LanguageModel.Load(file), Throws.TypeOf<UnsupportedModelException>().With.Message.EqualTo(reason));
    }
}
