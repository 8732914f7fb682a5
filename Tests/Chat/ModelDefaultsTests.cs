using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Chat;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Chat;

/// <summary>What a model file says about its template and about sampling.</summary>
public class ModelDefaultsTests
{
    [Test]
    public void The_files_own_template_is_taken_unless_another_is_asked_for()
    {
        using GgufFile file = GgufFile.Open(Path.Combine(Golden.Root, "Models", "Demo", "demo-q8_0.gguf"));
        Tokenizer tokenizer = Tokenizer.Load(file.Metadata);
        ChatMessage[] question = [ChatMessage.User(ChatPart.Image, "What is this?")];
        ChatTemplate own = ChatTemplate.Load(file.Metadata, tokenizer);
        Assert.That(own.BuiltInName, Is.Null);
        // The tokenizer puts <|im_start|>, this model's BOS, in front.
        Assert.That(own.Render(question), Is.EqualTo("User:<__media__>What is this?<end_of_utterance>\nAssistant:"));
        Assert.That(ChatTemplate.Load(file.Metadata, tokenizer, "phi3").Render(question), Is.EqualTo("<|user|>\n<__media__>What is this?<|end|>\n<|assistant|>\n"));
    }

    [Test]
    public void Tools_have_their_own_template_where_the_file_has_one()
    {
        using GgufFile file = GgufFile.Open(Path.Combine(Golden.Root, "Models", "Demo", "demo-q8_0.gguf"));
        Tokenizer tokenizer = Tokenizer.Load(file.Metadata);
        var metadata = Metadata(("tokenizer.chat_template", GgufValue.From("plain {{ messages[0].content }}")),
            ("tokenizer.chat_template.tool_use", GgufValue.From("{{ tools[0].function.name }} {{ messages[0].content }}")));
        ChatTemplate template = ChatTemplate.Load(metadata, tokenizer);
        Assert.That(template.SupportsTools, Is.True);
        Assert.That(template.Render([ChatMessage.User("x")]), Is.EqualTo("plain x"));
        Assert.That(template.Render([ChatMessage.User("x")], new ChatRenderOptions { Tools = [new ChatTool("f", "", "{}")] }), Is.EqualTo("f x"));
        Assert.That(ChatTemplate.Load(Metadata(), tokenizer).BuiltInName, Is.EqualTo("chatml"));
    }

    [Test]
    public void Recommended_sampling_is_read_and_nonsense_is_not()
    {
        var metadata = Metadata(("general.sampling.temp", GgufValue.From(0.3f)), ("general.sampling.top_k", GgufValue.From(7)),
            ("general.sampling.min_p", GgufValue.From(float.NaN)), ("general.sampling.penalty_repeat", GgufValue.From(-1f)));
        SamplerOptions options = RecommendedSampling.Read(metadata, new SamplerOptions { TopP = 0.5f });
        Assert.That((options.Temperature, options.TopK, options.MinP, options.RepeatPenalty, options.TopP), Is.EqualTo((0.3f, 7, 0.05f, 1f, 0.5f)));
    }

    private static GgufMetadata Metadata(params (string Key, GgufValue Value)[] values)
    {
        var all = new OrderedDictionary<string, GgufValue>();
        foreach (var (key, value) in values) all[key] = value;
        return new GgufMetadata("test.gguf", all);
    }
}
