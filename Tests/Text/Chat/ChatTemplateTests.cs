using System.Text.Json;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;
using TinyMllm.Tests.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Pictures, system texts, tools, BOS, and which template is taken.</summary>
public class ChatTemplateTests
{
    private static readonly TurnMessage[] Question = [TurnMessage.User(ChatPart.Image, "What is this?")];

    [TestCase("smolvlm", "<|im_start|>User:<__media__>What is this?<end_of_utterance>\nAssistant:")]
    [TestCase("qwen2-vl", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<__media__>What is this?<|im_end|>\n<|im_start|>assistant\n")]
    [TestCase("llava-vicuna", "USER: <__media__>What is this? ASSISTANT:")]
    public void The_marker_takes_the_place_of_the_templates_own_placeholder(string name, string expected) =>
        Assert.That(Template(name).Render(Question), Is.EqualTo(expected));

    [Test]
    public void Images_can_be_put_into_the_text_as_llama_cpp_does() =>
        Assert.That(Template("smolvlm").Render(Question, new ChatRenderOptions { ImagesAsText = true }),
            Is.EqualTo("<|im_start|>User: <__media__>What is this?<end_of_utterance>\nAssistant:"));

    [Test]
    public void A_text_that_holds_the_placeholder_is_not_taken_for_a_picture() =>
        Assert.That(Template("smolvlm").Render([TurnMessage.User(ChatPart.Image, "What does <image> mean?")]),
            Is.EqualTo("<|im_start|>User: <__media__>What does <image> mean?<end_of_utterance>\nAssistant:"));

    [Test]
    public void Pictures_and_texts_keep_their_order() =>
        Assert.That(Template("smolvlm").Render([TurnMessage.User("Compare", ChatPart.Image, "with", ChatPart.Image), TurnMessage.Assistant("Same."), TurnMessage.User("Why?")]),
            Is.EqualTo("<|im_start|>User: Compare<__media__>with<__media__><end_of_utterance>\nAssistant: Same.<end_of_utterance>\nUser: Why?<end_of_utterance>\nAssistant:"));

    [Test]
    public void A_published_vision_template_with_placeholder_and_newline_keeps_the_newline()
    {
        const string llava = "{% for message in messages %}{{ message['role'].upper() + ': ' }}{% for c in message['content'] | selectattr('type', 'equalto', 'image') %}"
            + "{{ '<image>\n' }}{% endfor %}{% for c in message['content'] | selectattr('type', 'equalto', 'text') %}{{ c['text'] + ' ' }}{% endfor %}{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}";
        Assert.That(ChatTemplate.Parse(llava).Render(Question), Is.EqualTo("USER: <__media__>\nWhat is this? ASSISTANT:"));
    }

    [Test]
    public void Gemma3_style_parts_are_understood()
    {
        const string gemma = "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n' }}{% if message['content'] is string %}"
            + "{{ message['content'] | trim }}{% elif message['content'] is iterable %}{% for item in message['content'] %}{% if item['type'] == 'image' %}"
            + "{{ '<start_of_image>' }}{% elif item['type'] == 'text' %}{{ item['text'] | trim }}{% endif %}{% endfor %}{% endif %}{{ '<end_of_turn>\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";
        Assert.That(ChatTemplate.Parse(gemma, new ChatTokens("<bos>", "<eos>", AddBos: true)).Render(Question),
            Is.EqualTo("<start_of_turn>user\n<__media__>What is this?<end_of_turn>\n<start_of_turn>model\n"));
    }

    [Test]
    public void Bos_and_eos_come_from_one_place_only()
    {
        TurnMessage[] chat = [TurnMessage.User("Hi"), TurnMessage.Assistant("Hello.")];
        var options = new ChatRenderOptions { AddGenerationPrompt = false };
        const string template = "{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}{{ eos_token }}";
        Assert.That(ChatTemplate.Parse(template, new("<s>", "</s>")).Render(chat, options), Is.EqualTo("<s>[Hi][Hello.]</s>"));
        Assert.That(ChatTemplate.Parse(template, new("<s>", "</s>", AddBos: true)).Render(chat, options), Is.EqualTo("[Hi][Hello.]</s>"));
        Assert.That(ChatTemplate.Parse(template, new("<s>", "</s>", AddBos: true, AddEos: true)).Render(chat, options), Is.EqualTo("[Hi][Hello.]"));
    }

    [Test]
    public void A_system_text_that_the_template_refuses_goes_before_the_question()
    {
        ChatTemplate gemma = Template("gemma-2");
        Assert.That(gemma.SupportsSystemRole, Is.False);
        Assert.That(gemma.Render([TurnMessage.System("Be brief."), TurnMessage.User(ChatPart.Image, "Hi")]),
            Is.EqualTo("<start_of_turn>user\nBe brief.\n<__media__>Hi<end_of_turn>\n<start_of_turn>model\n"));
        Assert.That(Template("qwen3").SupportsSystemRole, Is.True);
    }

    [Test]
    public void What_the_template_refuses_is_an_error_with_its_words()
    {
        var error = Assert.Throws<ChatTemplateException>(() => Template("gemma-2").Render([TurnMessage.User("a"), TurnMessage.User("b")]))!;
        Assert.That(error.RaisedByTemplate, Is.True);
        Assert.That(error.Message, Is.EqualTo("chat template, line 1: Conversation roles must alternate user/assistant/user/assistant/..."));
    }

    [Test]
    public void Tools_and_their_calls_reach_the_template()
    {
        ChatTemplate qwen = Template("qwen3");
        Assert.That((qwen.SupportsTools, Template("smolvlm").SupportsTools), Is.EqualTo((true, false)));
        TurnMessage[] chat =
        [
            TurnMessage.User("Weather?"),
            new(TurnRole.Assistant, "") { ToolCalls = [new ChatToolCall("1", "weather", """{"city":"Bern","days":[1,2.5]}""")] },
            new(TurnRole.Tool, "sunny") { ToolCallId = "1", ToolName = "weather" },
        ];
        string prompt = qwen.Render(chat, new ChatRenderOptions { Tools = [new ChatTool("weather", "Tells it", """{"type": "object"}""")] });
        Assert.That(prompt, Does.Contain("""{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": {"type": "object"}}}"""));
        Assert.That(prompt, Does.Contain("<|im_start|>assistant\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\", \"days\": [1, 2.5]}}\n</tool_call><|im_end|>\n"));
        Assert.That(prompt, Does.Contain("<|im_start|>user\n<tool_response>\nsunny\n</tool_response><|im_end|>\n"));
    }

    [Test]
    public void Bad_json_of_a_tool_is_named()
    {
        var error = Assert.Throws<ChatTemplateException>(() =>
            Template("qwen3").Render([TurnMessage.User("x")], new ChatRenderOptions { Tools = [new ChatTool("broken", "", "{")] }))!;
        Assert.That(error.Message, Does.StartWith("chat template: parameters of tool 'broken': not JSON"));
    }

    [Test]
    public void Own_variables_reach_the_template() =>
        Assert.That(ChatTemplate.Parse("{{ messages[0].content }}{{ style.loud }}").Render([TurnMessage.User("a")],
            new ChatRenderOptions { Variables = new Dictionary<string, JsonElement> { ["style"] = JsonDocument.Parse("""{"loud": [1]}""").RootElement } }), Is.EqualTo("a[1]"));

    [TestCase("{% include 'x' %}<|im_start|>", "chatml")]
    [TestCase("{% include 'x' %}<start_of_turn>", "gemma")]
    [TestCase("{% include 'x' %}<|im_start|>...<end_of_utterance>", "smolvlm")]
    [TestCase("{{ frob() }}<|start_header_id|>...<|end_header_id|>", "llama3")]
    [TestCase("{% frob %}[INST] [SYSTEM_PROMPT]", "mistral-v7")]
    public void What_cannot_be_interpreted_falls_back_on_the_format_it_resembles(string template, string expected) =>
        Assert.That(ChatTemplate.Parse(template).BuiltInName, Is.EqualTo(expected));

    [Test]
    public void What_resembles_nothing_is_an_error() =>
        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{% include 'x' %}"));

    [TestCase("", "it does not write what the user says")]
    [TestCase("{# nothing #}", "it does not write what the user says")]
    [TestCase("Hello", "it does not write what the user says")]
    [TestCase("{{ frob() }}", "'frob' is not defined, so it cannot be called")]
    [TestCase("{% include 'x' %}", "statement 'include' is not supported here")]
    [TestCase("{{ messages[0].content | frob }}", "unknown filter 'frob'")]
    [TestCase("{% for m in messages %}{{ tools[0].name + m.content }}{% endfor %}", "'+': 'name' is undefined")]
    public void A_template_that_is_no_good_fails_when_a_conversation_is_rendered(string template, string problem)
    {
        ChatTemplate chat = Load(template);
        Assert.That(chat.Problem!.Problem, Is.EqualTo(problem));
        var error = Assert.Throws<ChatTemplateException>(() => chat.Render([TurnMessage.User("Hi")]))!;
        Assert.That(error.Problem, Is.EqualTo(problem));
        Assert.Throws<ChatTemplateException>(() => chat.RenderGuarded([TurnMessage.User("Hi")]));
        Assert.That(chat.CreateParser("").ReadWhole("Hi").Text, Is.EqualTo("Hi"));
    }

    [TestCase("{{ '\"type\" and \\'type\\' are words' }}{% for m in messages %}[{{ m.content }}]{% endfor %}", "\"type\" and 'type' are words[Hi]")]
    [TestCase("{% for m in messages %}{{ m.content }}{{ m.tool_calls | default(none) | map(attribute='id') | join }}{{ none | selectattr('x') | list | length }}{% endfor %}", "Hi0")]
    [TestCase("{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}{{ messages[0].content }}", "Hi")]
    public void A_template_is_not_judged_by_its_words(string template, string expected)
    {
        var chat = ChatTemplate.Parse(template);
        Assert.That(chat.Problem, Is.Null);
        Assert.That(chat.Render([TurnMessage.User("Hi")]), Is.EqualTo(expected));
    }

    [Test]
    public void A_template_that_needs_variables_is_used_with_them()
    {
        var shield = ChatTemplate.Parse("<start_of_turn>{{ 'By ' + guideline + ': ' + messages[0].content }}<end_of_turn>");
        Assert.That((shield.Problem?.Problem, shield.BuiltInName), Is.EqualTo(("'+': 'guideline' is undefined", "gemma")));
        var options = new ChatRenderOptions { Variables = new Dictionary<string, JsonElement> { ["guideline"] = JsonElement.Parse("\"law\"") } };
        Assert.That(shield.Render([TurnMessage.User("Hi")], options), Is.EqualTo("<start_of_turn>By law: Hi<end_of_turn>"));
        Assert.That(shield.Render([TurnMessage.User("Hi")]), Does.StartWith("<start_of_turn>user\nHi<end_of_turn>"), "the built-in format");
    }

    [Test]
    public void A_template_for_tools_need_not_do_without_them()
    {
        const string toolUse = "{% for t in tools %}{{ t.function.name }}{% endfor %}{{ tools[0].function.name + messages[0].content }}";
        GgufMetadata metadata = ModelMetadata(("tokenizer.chat_template", "plain {{ messages[0].content }}"), ("tokenizer.chat_template.tool_use", toolUse));
        var chat = ChatTemplate.Load(metadata, Vocabulary);
        var options = new ChatRenderOptions { Tools = [new ChatTool("f", "", "{}")] };
        Assert.That((chat.Problem, chat.SupportsTools), Is.EqualTo(((ChatTemplateException?)null, true)));
        Assert.That(chat.Render([TurnMessage.User("x")], options), Is.EqualTo("ffx"));

        metadata = ModelMetadata(("tokenizer.chat_template", "plain {{ messages[-1].content }}"), ("tokenizer.chat_template.tool_use", "{% include 'x' %}"));
        Assert.That(ChatTemplate.Load(metadata, Vocabulary).Render([TurnMessage.User("x")], options), Does.StartWith("plain").And.EndsWith("x"), "a broken one is not used");
    }

    [Test]
    public void Every_real_template_is_interpreted_and_resembles_a_format()
    {
        foreach (string file in Directory.GetFiles(Golden.Path("chat_templates"), "*.jinja"))
        {
            Assert.That(ChatTemplate.Parse(File.ReadAllText(file)).BuiltInName, Is.Null, file);
            Assert.That(TinyMllm.Loaders.Text.Chat.BuiltIn.FormatDetection.Detect(File.ReadAllText(file)), Is.Not.Null, file);
        }
    }

    private static ChatTemplate Template(string name) =>
        ChatTemplate.Parse(File.ReadAllText(Golden.Path($"chat_templates/{name}.jinja")));

    private static readonly Tokenizer Vocabulary = new(TestVocabulary.BytePair("gpt-2", []));

    /// <summary>As the template of a model file, for which a template is never an error.</summary>
    private static ChatTemplate Load(string template) => ChatTemplate.Load(ModelMetadata(("tokenizer.chat_template", template)), Vocabulary);

    private static GgufMetadata ModelMetadata(params (string Key, string Value)[] texts) =>
        ModelDefaultsTests.Metadata([.. texts.Select(text => (text.Key, GgufValue.From(text.Value)))]);
}
