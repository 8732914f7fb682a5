using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Conversations with tools, in whatever form a template takes them.</summary>
public class ToolConversationTests
{
    private static readonly ChatTool Weather =
        new("get_weather", "tells the weather", """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""");

    private static readonly ChatRenderOptions WithTools = new() { Tools = [Weather], Now = DateTime.UnixEpoch };

    /// <summary>DeepSeek's kind: a call is written where the content is none.</summary>
    private const string ContentNone = "{% for m in messages %}{% if m['role'] == 'user' %}<｜User｜>{{ m['content'] }}"
        + "{% elif m['role'] == 'assistant' and m['content'] is none %}<｜Assistant｜><｜tool▁calls▁begin｜>{% for t in m['tool_calls'] %}"
        + "{{ t['type'] + ' ' + t['function']['name'] + '\\n```json\\n' + t['function']['arguments'] + '\\n```' }}{% endfor %}<｜end｜>"
        + "{% elif m['role'] == 'assistant' %}<｜Assistant｜>{{ m['content'] }}<｜end｜>{% elif m['role'] == 'tool' %}<｜out｜>{{ m['content'] }}{% endif %}{% endfor %}";

    /// <summary>DeepSeek's later kind: an empty text is a turn of its own.</summary>
    private const string EmptyTurn = "{% for m in messages %}{% if m['role'] == 'user' %}<｜User｜>{{ m['content'] }}{% endif %}"
        + "{% if m['role'] == 'assistant' and m['tool_calls'] %}<｜Assistant｜><｜tool▁calls▁begin｜>{{ m['tool_calls'][0]['function']['name'] }} {{ m['tool_calls'][0]['function']['arguments'] | tojson }}<｜end｜>{% endif %}"
        + "{% if m['role'] == 'assistant' and m['content'] is not none %}<｜Assistant｜>{{ m['content'] }}<｜end｜>{% endif %}{% if m['role'] == 'tool' %}<｜out｜>{{ m['content'] }}{% endif %}{% endfor %}";

    /// <summary>A template that leaves out the end of a turn whose content is not there at all: shorter is not better.</summary>
    private const string AbsentContent = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and m.tool_calls is defined %}"
        + "<tool_call>{{ m.tool_calls[0].function | tojson }}</tool_call>{% endif %}{% if m.content is defined %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}";

    /// <summary>Functionary's kind: arguments are put into the text as they are, and the result names its tool.</summary>
    private const string ArgumentsAsText = "{% for m in messages %}{% if m.role == 'tool' %}{{ '<' + m.name + '>' + m.content }}{% elif m.tool_calls is defined %}"
        + "{% for t in m.tool_calls %}{{ '<function=' + t.function.name + '>' + t.function.arguments + '</function>' }}{% endfor %}{% else %}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}";

    /// <summary>Phi-4-mini's kind: the tools are a text in the system message.</summary>
    private const string ToolsInSystem = "{% for m in messages %}{% if m['role'] == 'system' and 'tools' in m and m['tools'] is not none %}"
        + "{{ '<|system|>' + m['content'] + '<|tool|>' + m['tools'] + '<|/tool|><|end|>' }}{% else %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endif %}{% endfor %}";

    [TestCase(ContentNone, "<｜User｜>Rain?<｜Assistant｜><｜tool▁calls▁begin｜>function get_weather\n```json\n{\"city\": \"Rome\"}\n```<｜end｜><｜out｜>sunny")]
    [TestCase(EmptyTurn, "<｜User｜>Rain?<｜Assistant｜><｜tool▁calls▁begin｜>get_weather {\"city\": \"Rome\"}<｜end｜><｜out｜>sunny")]
    [TestCase(AbsentContent, "<|im_start|>user\nRain?<|im_end|>\n<|im_start|>assistant\n<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}</tool_call><|im_end|>\n<|im_start|>tool\nsunny<|im_end|>\n")]
    [TestCase(ArgumentsAsText, "user: Rain?\n<function=get_weather>{\"city\": \"Rome\"}</function><get_weather>sunny")]
    public void A_call_is_given_in_the_form_that_the_template_takes(string template, string expected) =>
        Assert.That(ChatTemplate.Parse(template).Render(Asked("Rain?")), Is.EqualTo(expected));

    [Test]
    public void Tools_can_be_a_text_in_the_system_message()
    {
        var phi = ChatTemplate.Parse(ToolsInSystem);
        Assert.That(phi.SupportsTools, Is.True);
        const string tools = """<|tool|>[{"name": "get_weather", "description": "tells the weather", "parameters": {"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]<|/tool|>""";
        Assert.That(phi.Render(Asked("Rain?"), WithTools), Is.EqualTo(
            $"<|system|>{tools}<|end|><|user|>Rain?<|end|><|assistant|><|tool_call|>[{{\"name\": \"get_weather\", \"arguments\": {{\"city\":\"Rome\"}}}}]<|/tool_call|><|end|><|tool|>sunny<|end|>"));
        Assert.That(phi.Render([TurnMessage.System("Be brief."), TurnMessage.User("Hi")], WithTools), Is.EqualTo($"<|system|>Be brief.{tools}<|end|><|user|>Hi<|end|>"));
    }

    [Test]
    public void Calls_that_the_template_forgets_are_written_as_the_model_writes_them() =>
        Assert.That(Template("lfm2.5").Render(Asked("Rain?"), WithTools), Does.EndWith(
            "<|im_start|>user\nRain?<|im_end|>\n<|im_start|>assistant\n<|tool_call_start|>[get_weather(city=\"Rome\")]<|tool_call_end|><|im_end|>\n"
            + "<|im_start|>tool\nsunny<|im_end|>\n<|im_start|>assistant\n"));

    [Test]
    public void A_template_of_one_call_a_turn_gets_a_turn_for_each()
    {
        TurnMessage[] chat =
        [
            TurnMessage.User("Rain?"),
            new(TurnRole.Assistant, "") { ToolCalls = [Call("call00000", "Rome"), Call("call00001", "Bern")] },
            new(TurnRole.Tool, "cold") { ToolCallId = "call00001" }, new(TurnRole.Tool, "warm") { ToolCallId = "call00000" },
        ];
        string prompt = Template("llama-3.2").Render(chat);
        Assert.That(prompt, Does.EndWith(Turn("assistant", """{"name": "get_weather", "parameters": {"city": "Rome"}}""") + Turn("ipython", "\"warm\"")
            + Turn("assistant", """{"name": "get_weather", "parameters": {"city": "Bern"}}""") + Turn("ipython", "\"cold\"")
            + "<|start_header_id|>assistant<|end_header_id|>\n\n"));

        static string Turn(string role, string text) => $"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>";
    }

    [TestCase("smolvlm")]
    [TestCase("gemma-2")]
    [TestCase("llava-vicuna")]
    [TestCase("chatml")]
    public void A_template_that_knows_no_tools_gets_them_described(string name)
    {
        ChatTemplate template = Template(name);
        Assert.That(template.SupportsTools, Is.False);
        string prompt = template.Render(Asked("Rain?"), WithTools);
        string[] inOrder =
        [
            """{"name": "get_weather", "description": "tells the weather", "parameters": {"type":"object",""",
            "<tool_call>\n{\"name\": <function-name>", "Rain?", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Rome\"}}\n</tool_call>", "<tool_response>\nsunny\n</tool_response>",
        ];
        int at = 0;
        foreach (string part in inOrder)
        {
            int found = prompt.IndexOf(part, at, StringComparison.Ordinal);
            Assert.That(found, Is.GreaterThanOrEqualTo(at), $"{part} in {prompt}");
            at = found + part.Length;
        }

        AssistantOutput answer = template.CreateParser(prompt, [Weather]).ReadWhole("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>");
        Assert.That(answer.ToolCalls.Single().ArgumentsJson, Is.EqualTo("""{"city": "Bern"}"""), "and the call is understood");
    }

    [TestCase("qwen3", "<tool_response>\n<__media__>Rome from above\n</tool_response>")]
    [TestCase("smolvlm", "User: <tool_response>\n<__media__>Rome from above\n</tool_response>")]
    [TestCase("llama-3.2", "<|start_header_id|>ipython<|end_header_id|>\n\n\"<__media__>Rome from above\"<|eot_id|>")]
    [TestCase("qwen2-vl", "<tool_response>\n<__media__>Rome from above\n</tool_response>")]
    public void A_picture_in_a_result_is_a_picture(string name, string expected)
    {
        TurnMessage[] chat = [.. Asked("Rain?", ChatPart.Image, "Rome from above")];
        Assert.That(Template(name).Render(chat), Does.Contain(expected));
        Assert.That(Template(name).Render([TurnMessage.User(ChatPart.Image, "Like this?"), .. chat]).Split(ChatTemplate.ImageMarker), Has.Length.EqualTo(3));
    }

    [TestCase("{% for m in messages %}{{ m.content }}{% if m.role == 'user' %}{% for p in m.content if p.type == 'image' %}<pic>{% endfor %}{% endif %}{% endfor %}")]
    [TestCase("{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% if m.role == 'tool' %}{{ raise_exception('text only') }}{% endif %}{% for p in m.content %}{{ '<pic>' if p.type == 'image' else p.text }}{% endfor %}{% endif %}{% endfor %}")]
    public void A_picture_in_a_result_is_a_picture_even_where_the_template_has_none_there(string template) =>
        Assert.That(ChatTemplate.Parse(template + "{# <tool_call> #}").Render([TurnMessage.User(ChatPart.Image, "a"), new(TurnRole.Tool, ChatPart.Image, "b")])
            .Split(ChatTemplate.ImageMarker), Has.Length.EqualTo(3));

    [Test]
    public void A_placeholder_is_told_from_what_else_a_picture_changes()
    {
        // As Llama 3.2 Vision: the system turn goes when there is a picture.
        const string template = "{% set ns = namespace(images=false) %}{% for m in messages %}{% if m.content is not string %}{% for p in m.content if p.type == 'image' %}{% set ns.images = true %}"
            + "{% endfor %}{% endif %}{% endfor %}{% if not ns.images %}<|h|>system\n{% endif %}{% for m in messages %}<|h|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
            + "{% for p in m.content %}{{ '<|image|>' if p.type == 'image' else p.text }}{% endfor %}{% endif %}{% endfor %}";
        Assert.That(ChatTemplate.Parse(template).Render([TurnMessage.User(ChatPart.Image, "a")]), Is.EqualTo("<|h|>user\n<__media__>a"));
    }

    private static TurnMessage[] Asked(string question, params ChatPart[] result) =>
    [
        TurnMessage.User(question), new(TurnRole.Assistant, "") { ToolCalls = [Call("call00000", "Rome")] },
        new(TurnRole.Tool, result.Length > 0 ? result : ["sunny"]) { ToolCallId = "call00000" },
    ];

    private static ChatToolCall Call(string id, string city) => new(id, "get_weather", $$"""{"city": "{{city}}"}""");

    private static ChatTemplate Template(string name)
    {
        string file = Path.Combine(Golden.Path("chat_templates"), name + ".jinja");
        return ChatTemplate.Parse(File.Exists(file) ? File.ReadAllText(file) : name);
    }
}
