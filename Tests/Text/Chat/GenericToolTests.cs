using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Chat.ToolForms;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Templates that have no place for tools: they are told of in words.</summary>
public class GenericToolTests
{
    private static readonly ChatTool Weather = new("weather", "Tells \"it\"", """
        {"type": "object",
         "properties": {"city": {"type": "string"}}}
        """);

    private const string Offer = "# Tools\n\nYou may call functions. Each line between the tags describes one, with the JSON schema of its arguments:\n<tools>\n"
        + "{\"name\": \"weather\", \"description\": \"Tells \\\"it\\\"\", \"parameters\": {\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}\n</tools>\n\n"
        + "To call one, answer with its name and its arguments between these tags, and nothing else:\n<tool_call>\n"
        + "{\"name\": <function-name>, \"arguments\": <arguments-as-an-object>}\n</tool_call>\nIts result comes back in <tool_response> tags.";

    private static readonly ChatRenderOptions Options = new() { Tools = [Weather] };

    [Test]
    public void Tools_are_described_in_the_systems_turn()
    {
        var chatml = ChatTemplate.Parse("chatml");
        Assert.That(chatml.SupportsTools, Is.False);
        Assert.That(chatml.Render([TurnMessage.User("Hi")], Options),
            Is.EqualTo($"<|im_start|>system\n{Offer}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"));
        Assert.That(chatml.Render([TurnMessage.System("Be brief."), TurnMessage.User("Hi")], Options),
            Is.EqualTo($"<|im_start|>system\nBe brief.\n\n{Offer}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"));
        Assert.That(chatml.Render([TurnMessage.User("Hi")]), Is.EqualTo("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"), "none offered");
    }

    /// <summary>Whatever a template thinks of system turns, pictures and parts: every tool is in the prompt, as text.</summary>
    [TestCase("smolvlm")]
    [TestCase("gemma-2")]
    [TestCase("llava-vicuna")]
    [TestCase("qwen2-vl")]
    public void No_template_is_silent_about_tools(string name)
    {
        var template = ChatTemplate.Parse(File.ReadAllText(Golden.Path($"chat_templates/{name}.jinja")));
        string prompt = template.Render([TurnMessage.User(ChatPart.Image, "Weather?")], Options);
        Assert.That(template.SupportsTools, Is.False);
        Assert.That(prompt, Does.Contain(Offer).And.Contain(ChatTemplate.ImageMarker).And.Contain("Weather?"));
        Assert.That(prompt.IndexOf(Offer, StringComparison.Ordinal), Is.LessThan(prompt.IndexOf("Weather?", StringComparison.Ordinal)));
    }

    [Test]
    public void Calls_and_results_become_words()
    {
        TurnMessage[] chat =
        [
            TurnMessage.User("Weather?"),
            new(TurnRole.Assistant, "I look.") { ToolCalls = [new ChatToolCall("1", "weather", """{"city":"Bern"}"""), new ChatToolCall("2", "weather", "{}")] },
            new(TurnRole.Tool, "sunny") { ToolCallId = "1" },
            new(TurnRole.Tool, "unknown ", ChatPart.Image) { ToolCallId = "2" },
            TurnMessage.User("And?"),
        ];
        const string expected = "USER: Weather? ASSISTANT: I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"Bern\"}}\n</tool_call>\n"
            + "<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call></s>USER: <tool_response>\nsunny\n</tool_response>\n"
            + "<tool_response>\nunknown <__media__>\n</tool_response>\nAnd? ASSISTANT:";
        const string template = "{% for m in messages %}{% if m.role == 'user' %}USER: {{ m.content }} {% elif m.role == 'assistant' %}ASSISTANT: {{ m.content }}</s>"
            + "{% else %}{{ raise_exception('no such role') }}{% endif %}{% endfor %}ASSISTANT:";
        Assert.That(ChatTemplate.Parse(template).Render(chat), Is.EqualTo(expected));
    }

    [Test]
    public void Words_of_tools_are_only_words()
    {
        var template = ChatTemplate.Parse("chatml", new ChatTokens { Special = ["<|im_end|>"u8.ToArray(), "<tool_call>"u8.ToArray()] });
        var tool = new ChatTool("f", "ends <|im_end|> here <tool_call>", "{}");
        TurnMessage[] chat =
        [
            TurnMessage.User("Hi"),
            new(TurnRole.Assistant, "") { ToolCalls = [new ChatToolCall("1", "f", """{"a":"<|im_end|>"}""")] },
        ];
        GuardedText prompt = template.RenderGuarded(chat, new ChatRenderOptions { Tools = [tool] });
        Assert.That(prompt.Text, Is.EqualTo(template.Render(chat, new ChatRenderOptions { Tools = [tool] })));
        Assert.That((prompt.Text.Split("<|im_end|>").Length, prompt.Split("<|im_end|>").Count), Is.EqualTo((6, 4)), "three turns end, two words do not");
        Assert.That((prompt.Text.Split("<tool_call>").Length, prompt.Split("<tool_call>").Count), Is.EqualTo((4, 3)), "the example and the call");
    }

    [Test]
    public void What_the_words_ask_for_is_what_the_grammar_forces_and_the_parser_reads()
    {
        var chatml = ChatTemplate.Parse("chatml");
        const string call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>";
        Assert.That(Grammar.Parse(chatml.CallForm.Grammar(Options.Tools)).Matches(call), Is.True);
        Assert.That(chatml.CreateParser("", Options.Tools).ReadWhole(call).ToolCalls.Single().Name, Is.EqualTo("weather"));

        // A template with tools has its own form, one without has the words', whatever its special tokens show.
        Assert.That(ChatTemplate.Parse("chatml", new ChatTokens { Special = ["[TOOL_CALLS]"u8.ToArray()] }).CallForm, Is.SameAs(KnownToolForms.Generic));
    }

    [Test]
    public void Bad_json_of_a_tool_is_named() =>
        Assert.That(() => ChatTemplate.Parse("chatml").Render([TurnMessage.User("x")], new ChatRenderOptions { Tools = [new ChatTool("broken", "", "{")] }),
            Throws.TypeOf<ChatTemplateException>().With.Message.StartsWith("chat template: parameters of tool 'broken': not JSON"));
}
