using TinyMllm.Engine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>What a model file says about its template and about sampling.</summary>
public class ModelDefaultsTests
{
    [Test]
    public void The_files_own_template_is_taken_unless_another_is_asked_for()
    {
        using var file = GgufFile.Open(Path.Combine(Golden.Root, "Models", "Demo", "demo-q8_0.gguf"));
        var tokenizer = Tokenizer.Load(file.Metadata);
        TurnMessage[] question = [TurnMessage.User(ChatPart.Image, "What is this?")];
        var own = ChatTemplate.Load(file.Metadata, tokenizer);
        Assert.That(own.BuiltInName, Is.Null);
        // The tokenizer puts <|im_start|>, this model's BOS, in front.
        Assert.That(own.Render(question), Is.EqualTo("User:<__media__>What is this?<end_of_utterance>\nAssistant:"));
        Assert.That(ChatTemplate.Load(file.Metadata, tokenizer, "phi3").Render(question), Is.EqualTo("<|user|>\n<__media__>What is this?<|end|>\n<|assistant|>\n"));
    }

    [Test]
    public void Tools_have_their_own_template_where_the_file_has_one()
    {
        using var file = GgufFile.Open(Path.Combine(Golden.Root, "Models", "Demo", "demo-q8_0.gguf"));
        var tokenizer = Tokenizer.Load(file.Metadata);
        var metadata = Metadata(("tokenizer.chat_template", GgufValue.From("plain {{ messages[0].content }}")),
            ("tokenizer.chat_template.tool_use", GgufValue.From("{{ tools[0].function.name }} {{ messages[0].content }}")));
        var template = ChatTemplate.Load(metadata, tokenizer);
        Assert.That(template.SupportsTools, Is.True);
        Assert.That(template.Render([TurnMessage.User("x")]), Is.EqualTo("plain x"));
        Assert.That(template.Render([TurnMessage.User("x")], new ChatRenderOptions { Tools = [new ChatTool("f", "", "{}")] }), Is.EqualTo("f x"));
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

    [Test]
    public async Task What_the_file_recommends_is_used_unless_the_caller_says_otherwise()
    {
        string path = Path.Combine(Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():n}.gguf");
        try
        {
            using (var file = GgufFile.Open(Golden.Path("vlm/lfm2/model.gguf")))
            {
                var writer = new GgufWriter();
                foreach ((string key, GgufValue value) in file.Metadata.Entries) writer.Set(key, value);
                foreach (StoredTensor tensor in file.Tensors) writer.Add(tensor);
                writer.Set("general.sampling.temp", GgufValue.From(1.5f));
                writer.Set("general.sampling.top_k", GgufValue.From(0));
                writer.Save(path);
            }

            using VisionLanguageModel model = VisionLanguageModel.Load(path), plain = VisionLanguageModel.Load(Golden.Path("vlm/lfm2/model.gguf"));
            Assert.That(plain.DefaultSampling, Is.SameAs(SamplerOptions.Greedy));
            Assert.That((model.DefaultSampling.Temperature, model.DefaultSampling.TopK, model.DefaultSampling.TopP), Is.EqualTo((1.5f, 0, 0.95f)));

            var free = new GenerationOptions { Raw = true, MaxTokens = 24 };
            GenerationOptions greedy = free with { Sampling = SamplerOptions.Greedy };
            string likeliest = (await plain.AnswerAsync("abc", options: free)).Text;
            Assert.That((await model.AnswerAsync("abc", options: greedy)).Text, Is.EqualTo(likeliest));
            string[] drawn = [(await model.AnswerAsync("abc", options: free)).Text, (await model.AnswerAsync("abc", options: free)).Text];
            Assert.That(drawn.Distinct().Append(likeliest).Distinct().Count(), Is.GreaterThan(1), "24 draws at random from all tokens");
        }
        finally
        {
            File.Delete(path);
        }
    }

    internal static GgufMetadata Metadata(params (string Key, GgufValue Value)[] values)
    {
        var all = new OrderedDictionary<string, GgufValue>();
        foreach (var (key, value) in values) all[key] = value;
        return new GgufMetadata("test.gguf", all);
    }
}
