using System.Text.Json.Nodes;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Chat.Thinking;
using TinyMllm.Loaders.Text.Chat.ToolForms;
using TinyMllm.Loaders.Text.Grammars;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Every form of tool calls: what a model writes is read, and what the form's grammar writes is what the template would.</summary>
public class ToolFormTests
{
    private static readonly ChatTool Weather = new("get_weather", "tells the weather", """
        {"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"metric":{"type":"boolean"},"hours":{"type":"array","items":{"type":"integer"}},
        "kind":{"enum":["short","long"]}},"required":["city"]}
        """);

    private static readonly ChatTool Now = new("now", "tells the time", """{"type":"object","properties":{}}""");
    private static readonly ChatTool[] Tools = [Weather, Now];

    /// <summary>A call with a text, a number, a truth value and a list, then a call without arguments, as each family writes them.</summary>
    private static readonly (string Form, string One, string Two)[] Calls =
    [
        ("hermes", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}\n</tool_call>",
            "\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"),
        ("qwen3-coder", "<tool_call>\n<function=get_weather>\n<parameter=city>\nRome\n</parameter>\n<parameter=days>\n2\n</parameter>\n<parameter=metric>\ntrue\n</parameter>\n<parameter=hours>\n[6, 12]\n</parameter>\n</function>\n</tool_call>",
            "\n<tool_call>\n<function=now>\n</function>\n</tool_call>"),
        ("seed-oss", "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Rome</parameter>\n<parameter=days>2</parameter>\n<parameter=metric>true</parameter>\n<parameter=hours>[6, 12]</parameter>\n</function>\n</seed:tool_call>", ""),
        ("minicpm5", "<function name=\"get_weather\"><param name=\"city\">Rome</param><param name=\"days\">2</param><param name=\"metric\">true</param><param name=\"hours\">[6, 12]</param></function>",
            "\n<function name=\"now\"></function>"),
        ("minicpm4", "<|tool_call_start|>\n```python\nget_weather(city=\"Rome\", days=2, metric=True, hours=[6, 12])\n```\n<|tool_call_end|>", ""),
        ("lfm2", "<|tool_call_start|>[get_weather(city=\"Rome\", days=2, metric=True, hours=[6, 12])]<|tool_call_end|>", ""),
        ("phi-4-mini", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}]<|/tool_call|>", ""),
        ("granite", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}]", ""),
        ("mistral", "[TOOL_CALLS][{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}]", ""),
        ("mistral-named", "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}", "[TOOL_CALLS]now[ARGS]{}"),
        ("deepseek-r1", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", ""),
        ("deepseek-v3.1", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", ""),
        ("kimi-k2", "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}<|tool_call_end|><|tool_calls_section_end|>", ""),
        ("internlm2", "<|action_start|><|plugin|>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}\n<|action_end|>", ""),
        ("functiongemma", "<start_function_call>call:get_weather{city:<escape>Rome<escape>,days:2,metric:true,hours:[6,12]}<end_function_call>",
            "<start_function_call>call:now{}<end_function_call>"),
        ("gemma4", "<|tool_call>call:get_weather{city:<|\"|>Rome<|\"|>,days:2,metric:true,hours:[6,12]}<tool_call|>", "<|tool_call>call:now{}<tool_call|>"),
        ("nemotron", "<TOOLCALL>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}]</TOOLCALL>", ""),
        ("pythonic", "[get_weather(city=\"Rome\", days=2, metric=True, hours=[6, 12])]", ""),
        ("functionary-3.2", "get_weather\n{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}", ">>>now\n{}"),
        ("functionary-3.1", "<function=get_weather>{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}</function>", "<function=now>{}</function>"),
        ("glm-4", "get_weather\n{\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}", "\nnow\n{}"),
        ("glm-4.5", "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n<arg_key>metric</arg_key>\n<arg_value>true</arg_value>\n<arg_key>hours</arg_key>\n<arg_value>[6, 12]</arg_value>\n</tool_call>",
            "\n<tool_call>now\n</tool_call>"),
        ("llama3", "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}", "; {\"name\": \"now\", \"parameters\": {}}"),
        ("llama3-builtin", "<|python_tag|>get_weather.call(city=\"Rome\", days=2, metric=True, hours=[6, 12])", ""),
        ("json", "[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 2, \"metric\": true, \"hours\": [6, 12]}}]", ""),
    ];

    private static IEnumerable<TestCaseData> Forms() => KnownToolForms.All.Select(form =>
    {
        (_, string one, string two) = Calls.Single(call => call.Form == form.Name);
        return new TestCaseData(form.Name, one, two).SetName("{m}(" + form.Name + ")");
    });

    [TestCaseSource(nameof(Forms))]
    public void A_call_is_read_however_the_text_arrives(string name, string one, string two)
    {
        ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
        foreach (string answer in new[] { one, one + two, "\n" + one })
        {
            foreach (int size in new[] { 1, 2, 5, answer.Length })
            {
                AssistantOutput output = Read(form, answer, size, Tools);
                Assert.That(output.Text, Is.Empty, $"chunks of {size}");
                Assert.That(output.ToolCalls, Has.Count.EqualTo(answer.EndsWith(one, StringComparison.Ordinal) ? 1 : 2));
                Assert.That(output.ToolCalls[0].Name, Is.EqualTo("get_weather"));
                Assert.That(output.ToolCalls[0].ArgumentsJson.Replace(" ", "", StringComparison.Ordinal), Is.EqualTo("""{"city":"Rome","days":2,"metric":true,"hours":[6,12]}"""));
                if (output.ToolCalls.Count > 1) Assert.That((output.ToolCalls[1].Name, output.ToolCalls[1].ArgumentsJson), Is.EqualTo(("now", "{}")));
            }
        }
    }

    [TestCaseSource(nameof(Forms))]
    public void A_call_of_a_tool_that_was_not_offered_stays_text(string name, string one, string two)
    {
        ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
        AssistantOutput output = Read(form, one, 4, [Now]);
        Assert.That(output.ToolCalls, Is.Empty);
        string marked = form.TextOpener is null ? one : one.Replace(">>>", "", StringComparison.Ordinal);
        Assert.That(output.Text, Is.EqualTo(marked));
    }

    [TestCaseSource(nameof(Forms))]
    public void The_grammar_writes_what_the_family_writes(string name, string one, string two)
    {
        ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
        Grammar single = Grammar.Parse(form.Grammar(Tools)), several = Grammar.Parse(form.Grammar(Tools, several: true));
        Assert.That(single.Matches(one), Is.True, single.Text);
        Assert.That(several.Matches(one), Is.True);
        Assert.That(several.Matches(one + two), Is.True);
        if (two.Length > 0) Assert.That(single.Matches(one + two), Is.False);
        Assert.That(single.Matches(one.Replace("get_weather", "get_whether", StringComparison.Ordinal)), Is.False);
        Assert.That(single.Matches("Sunny."), Is.False);
        Assert.That(Grammar.Parse(form.Grammar([Now])).Matches(one), Is.False, "only offered tools");
    }

    [TestCaseSource(nameof(Forms))]
    public void Calls_are_written_as_the_family_writes_them(string name, string one, string two)
    {
        ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
        ChatToolCall weather = new("", "get_weather", """{"city": "Rome", "days": 2, "metric": true, "hours": [6, 12]}"""), now = new("", "now", "{}");
        Assert.That(form.Write([weather]), Is.EqualTo(one));
        if (two.Length > 0) Assert.That(form.Write([weather, now]), Is.EqualTo(one + two));
    }

    private static readonly ChatTool Any = new("f", "", """{"type":"object","properties":{"a":{},"b":{},"s":{"type":"string"},"n":{"type":["number","null"]}}}""");

    [TestCase("lfm2", "<|tool_call_start|>[f(a='it's \"fine\", he says', b=\"x\")]<|tool_call_end|>", """{"a":"it's \"fine\", he says","b":"x"}""", Description = "the template does not escape quotes")]
    [TestCase("lfm2", "<|tool_call_start|>[f(a={'k': [1, (2.5, None)], \"t\": True}, b=[])]<|tool_call_end|>", """{"a":{"k":[1,[2.5,null]],"t":true},"b":[]}""")]
    [TestCase("lfm2", "<|tool_call_start|>[f(a=+1, b=1_000)]<|tool_call_end|>", """{"a":1,"b":1000}""")]
    [TestCase("lfm2", "<|tool_call_start|>[f(a='\\n\\x41\\u00e9\\'', b=-.5)]<|tool_call_end|>", """{"a":"\nA\u00e9'","b":-0.5}""")]
    [TestCase("lfm2", "<|tool_call_start|>[f(\"x\", 2)]<|tool_call_end|>", """{"a":"x","b":2}""", Description = "arguments without names")]
    [TestCase("lfm2", "<|tool_call_start|> [ f ( a = \"x\" , ) ] <|tool_call_end|>", """{"a":"x"}""")]
    [TestCase("hermes", "<tool_call>{'name': 'f', 'arguments': {'a': True}}</tool_call>", """{"a":true}""", Description = "Python's notation for JSON's")]
    [TestCase("hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call>\"}}</tool_call>", """{"a":"\u003C/tool_call\u003E"}""")]
    [TestCase("hermes", "<tool_call>{\"function\": \"f\", \"parameters\": {\"a\": 1}}", """{"a":1}""", Description = "the closer was not printed")]
    [TestCase("phi-4-mini", "<|tool_call|>{\"name\": \"f\", \"arguments\": {}}<|/tool_call|>", "{}", Description = "one call without a list")]
    [TestCase("granite", "<|tool_call|> [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}}]", """{"a":1}""")]
    [TestCase("qwen3-coder", "<function=f>\n<parameter=s>\n2 </parameter> 3\n</parameter>\n<parameter=n>\n2\n</parameter>\n</function>", """{"s":"2 \u003C/parameter\u003E 3","n":2}""", Description = "no opener, and a value that spells out its closer")]
    [TestCase("qwen3-coder", "<tool_call>\n<function=f>\n<parameter=s>\n42\n</parameter>\n<parameter=n>\nnull\n</parameter>\n<parameter=a>\n[1, 2]\n</parameter>\n<parameter=b>\nplain words\n</parameter>\n</function>\n</tool_call>", """{"s":"42","n":null,"a":[1,2],"b":"plain words"}""", Description = "the schema says what a text is")]
    [TestCase("minicpm5", "<function name=\"f\"><param name=\"a\"><![CDATA[x < 1 && y\n]]></param></function>", """{"a":"x \u003C 1 \u0026\u0026 y\n"}""")]
    [TestCase("glm-4.5", "<tool_call>f<arg_key>a</arg_key><arg_value>true</arg_value></tool_call>", """{"a":true}""", Description = "without line breaks")]
    [TestCase("mistral-named", "[TOOL_CALLS]f[CALL_ID]abc123def[ARGS]{\"a\": 1}", """{"a":1}""")]
    [TestCase("kimi-k2", "<|tool_call_begin|>functions.f:12<|tool_call_argument_begin|>{}<|tool_call_end|>", "{}")]
    [TestCase("llama3", "<|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {\"a\": 1}}", """{"a":1}""")]
    [TestCase("functiongemma", "<start_function_call>call:f{a:<escape>x, y}: z<escape>,b:{k:[<escape>1<escape>,2]}}<end_function_call>", """{"a":"x, y}: z","b":{"k":["1",2]}}""")]
    public void What_models_make_of_a_form_is_read(string name, string answer, string arguments)
    {
        ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
        foreach (int size in new[] { 1, 3, answer.Length })
        {
            AssistantOutput output = Read(form, answer, size, [Any]);
            Assert.That(output.ToolCalls, Has.Count.EqualTo(1), output.Text);
            Assert.That(JsonNode.Parse(output.ToolCalls[0].ArgumentsJson)!.ToJsonString(), Is.EqualTo(JsonNode.Parse(arguments)!.ToJsonString()));
            Assert.That(output.Text, Is.Empty);
        }
    }

    [Test]
    public void Ids_are_kept()
    {
        Assert.That(Read(NamedJsonForms.KimiK2, "<|tool_call_begin|>functions.f:12<|tool_call_argument_begin|>{}<|tool_call_end|>", 5, [Any]).ToolCalls[0].Id, Is.EqualTo("functions.f:12"));
        Assert.That(Read(NamedJsonForms.MistralNamed, "[TOOL_CALLS]f[CALL_ID]abc123def[ARGS]{}", 5, [Any]).ToolCalls[0].Id, Is.EqualTo("abc123def"));
        Assert.That(Read(JsonForms.Mistral, "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}, \"id\": \"abc123def\"}]", 5, [Any]).ToolCalls[0].Id, Is.EqualTo("abc123def"));
    }

    [Test]
    public void Random_damage_loses_no_words_and_throws_nothing()
    {
        var random = new Random(3);
        foreach ((string name, string one, string two) in Calls)
        {
            ToolForm form = KnownToolForms.All.Single(known => known.Name == name);
            for (int round = 0; round < 200; round++)
            {
                var text = new System.Text.StringBuilder("So: " + one + two);
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    int at = random.Next(text.Length);
                    if (random.Next(2) == 0) text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                    else text.Insert(at, "{}[]()<>\"',:=|\\/"[random.Next(16)]);
                    if (text.Length == 0) break;
                }

                AssistantOutput output = Read(form, text.ToString(), random.Next(1, 8), Tools);
                if (output.ToolCalls.Count == 0 && name != "functionary-3.2") Assert.That(output.Text, Is.EqualTo(text.ToString().Trim()), "what is no call is text");
                foreach (ChatToolCall call in output.ToolCalls) Assert.That(JsonNode.Parse(call.ArgumentsJson), Is.InstanceOf<JsonObject>());
            }
        }
    }

    private static AssistantOutput Read(ToolForm form, string answer, int size, IReadOnlyList<ChatTool> tools)
    {
        var parser = new AssistantOutputParser(tools, form, ThinkingForm.Usual, thinksAnywhere: false, startsThinking: false);
        List<AssistantSegment> segments = [];
        foreach (char[] chunk in answer.Chunk(size)) segments.AddRange(parser.Append(new string(chunk)));
        segments.AddRange(parser.Finish());
        return new AssistantOutput(string.Concat(segments.Where(s => s.Kind == AssistantSegmentKind.Text).Select(s => s.Text)).Trim(),
            string.Concat(segments.Where(s => s.Kind == AssistantSegmentKind.Reasoning).Select(s => s.Text)),
            [.. segments.Where(s => s.ToolCall is not null).Select(s => s.ToolCall!)]);
    }
}
