using System.Text.Json;
using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Text.Chat.ToolForms;

namespace TinyMllm.Tests.Api;

/// <summary>
/// JSON and calls from models of other families than the demo's: the demo model with their template's marks. What it thinks and calls is
/// nonsense; where one ends and the other begins is not.
/// </summary>
[TestFixture]
public sealed class FormedAnswerTests
{
    private const string Turns = "{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}<end_of_utterance>\n{% endfor %}";

    private static readonly JsonElement Schema =
        JsonElement.Parse("""{"type":"object","properties":{"seen":{"type":"boolean"},"count":{"type":"integer","minimum":0,"maximum":99}},"required":["seen","count"]}""");

    private static readonly AIFunctionDeclaration Weather = AIFunctionFactory.CreateDeclaration("get_weather", "tells the weather", JsonElement.Parse("""
        {"type":"object","properties":{"city":{"enum":["Bern","Rome"]},"days":{"type":"integer","minimum":1,"maximum":7}},"required":["city","days"]}
        """));

    [Test]
    public async Task JsonComesBehindTheThoughtsThatThePromptBegan()
    {
        await With(Turns + "{% if add_generation_prompt %}Assistant:<think>\n{% endif %}", async client =>
        {
            foreach (float temperature in new[] { 0f, 2f })
            {
                ChatResponse response = await Ask(client, new ChatOptions
                {
                    ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema), MaxOutputTokens = 120, Temperature = temperature, Seed = 1,
                });
                CheckJson(response.Text);
                Assert.That(Reasoning(response), Is.Not.Empty.And.Not.Contain("think>"));
                Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
            }
        });
    }

    [Test]
    public async Task ThoughtsLeaveRoomForTheAnswer()
    {
        await With(Turns + "{% if add_generation_prompt %}Assistant:<think>\n{% endif %}", async client =>
        {
            // A grammar that the demo model would never end its thoughts for by itself.
            ChatResponse response = await Ask(client, new ChatOptions
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema), MaxOutputTokens = 100, Temperature = 5, TopK = 0, TopP = 1, Seed = 3,
            });
            CheckJson(response.Text);
            Assert.That(Reasoning(response).Length, Is.GreaterThan(30));
        });
    }

    [Test]
    public async Task WithoutThinkingTheAnswerIsJsonAtOnce()
    {
        const string template = Turns + "{% if add_generation_prompt %}Assistant:{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
            + "{% else %}<think>\n{% endif %}{% endif %}";
        await With(template, async client =>
        {
            ChatResponse response = await Ask(client, new ChatOptions
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema), Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
            });
            CheckJson(response.Text);
            Assert.That(Reasoning(response), Is.Empty);
        });
    }

    [Test]
    public async Task AModelThatThinksByItselfMayAnswerAtOnce()
    {
        await With(Turns + "{% if add_generation_prompt %}Assistant:{% endif %}{# <think> … </think> #}", async client =>
        {
            ChatResponse response = await Ask(client, new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema) });
            CheckJson(response.Text);
        });
    }

    [Test]
    public async Task ThoughtsCanBeLeftOut()
    {
        await With(Turns + "{% if add_generation_prompt %}Assistant:<think>\n{% endif %}", async client =>
        {
            ChatResponse response = await Ask(client, new ChatOptions
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema), MaxOutputTokens = 120, Reasoning = new ReasoningOptions { Output = ReasoningOutput.None },
            });
            CheckJson(response.Text);
            Assert.That(Reasoning(response), Is.Empty);
        });
    }

    [Test]
    public async Task ACallThatIsRequiredComesBehindThoughts()
    {
        await With(Turns + "{% if add_generation_prompt %}Assistant:<think>\n{% endif %}", async client =>
        {
            ChatResponse response = await Ask(client, new ChatOptions { Tools = [Weather], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false, MaxOutputTokens = 200 });
            CheckCall(response);
            Assert.That(Reasoning(response), Is.Not.Empty);
        });
    }

    private static IEnumerable<TestCaseData> Forms() => KnownToolForms.All.Where(form => form.Signs.Length > 0)
        .Select(form => new TestCaseData(form).SetName("{m}(" + form.Name + ")"));

    /// <summary>Every form of calls can be forced, and is read back.</summary>
    [TestCaseSource(nameof(Forms))]
    public async Task ARequiredCallIsInTheFormOfTheFamily(object family)
    {
        var form = (ToolForm)family;
        string signs = string.Join("', '", form.Signs[0].Select(sign => sign.Replace("\n", "\\n", StringComparison.Ordinal)));
        string template = "{% if tools %}{% for t in tools %}{{ t.function.name }} {% endfor %}{% endif %}" + Turns
            + "{% if add_generation_prompt %}Assistant:{% endif %}{% if never_defined %}{{ ['" + signs + "'] }}{% endif %}";
        await With(template, async client =>
        {
            Assert.That(client.GetService<VisionLanguageModel>()!.ChatTemplate.CallForm, Is.SameAs(form));
            ChatResponse response = await Ask(client, new ChatOptions
            {
                Tools = [Weather], ToolMode = ChatToolMode.RequireSpecific("get_weather"), AllowMultipleToolCalls = false, MaxOutputTokens = 200, Temperature = 2, Seed = 4,
            });
            CheckCall(response);
        });
    }

    private static void CheckJson(string text)
    {
        var json = JsonElement.Parse(text);
        Assert.That(text, Does.StartWith("{").And.EndWith("}"));
        Assert.That(json.GetProperty("seen").ValueKind, Is.AnyOf(JsonValueKind.True, JsonValueKind.False));
        Assert.That(json.GetProperty("count").GetInt32(), Is.InRange(0, 99));
    }

    private static void CheckCall(ChatResponse response)
    {
        FunctionCallContent call = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Single();
        Assert.That(call.Name, Is.EqualTo("get_weather"));
        Assert.That(((JsonElement)call.Arguments!["city"]!).GetString(), Is.AnyOf("Bern", "Rome"));
        Assert.That(((JsonElement)call.Arguments["days"]!).GetInt32(), Is.InRange(1, 7));
        Assert.That((response.Text.Trim(), response.FinishReason), Is.EqualTo(("", ChatFinishReason.ToolCalls)));
    }

    private static string Reasoning(ChatResponse response) =>
        string.Concat(response.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>().Select(content => content.Text));

    private static Task<ChatResponse> Ask(IChatClient client, ChatOptions options) =>
        client.GetResponseAsync([new ChatMessage(ChatRole.User, "What do you see?")], options);

    private static async Task With(string template, Func<IChatClient, Task> use)
    {
        using var model = VisionLanguageModel.Load(Demo.ModelPath, options: new ModelOptions { ChatTemplate = template, Context = 2048 });
        using IChatClient client = model.AsChatClient();
        await use(client);
    }
}
