using System.Text.Json;
using Microsoft.Extensions.AI;

namespace TinyMllm.Tests.Api;

/// <summary>
/// Tools through Microsoft.Extensions.AI. The demo model has never heard of tools and its template has no place for them: what comes out
/// well formed here is the grammar's doing.
/// </summary>
[TestFixture]
public sealed class ToolCallingTests
{
    private static readonly AIFunctionDeclaration Weather = AIFunctionFactory.CreateDeclaration("get_weather", "tells the weather", JsonElement.Parse("""
        {"type":"object","properties":{"city":{"enum":["Bern","Rome"]},"days":{"type":"integer","minimum":1,"maximum":7}},"required":["city","days"]}
        """));

    private static readonly AIFunctionDeclaration Time = AIFunctionFactory.CreateDeclaration("get_time", "tells the time", JsonElement.Parse("""{"type":"object","properties":{},"additionalProperties":false}"""));

    private VisionLanguageModel _model = null!;
    private IChatClient _client = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _model = Demo.Load(new ModelOptions { Context = 2048 });
        _client = _model.AsChatClient();
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _client.Dispose();
        _model.Dispose();
    }

    [Test]
    public async Task ARequiredToolIsCalled()
    {
        foreach (uint seed in new uint[] { 1, 2, 3 })
        {
            ChatResponse response = await Ask(new ChatOptions { Tools = [Weather, Time], ToolMode = ChatToolMode.RequireAny, Seed = seed, Temperature = 2 });
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
            Assert.That(calls, Is.Not.Empty);
            Assert.That(calls.Select(call => call.Name), Is.All.AnyOf("get_weather", "get_time"));
            Assert.That(response.Text.Trim(), Is.Empty);
            Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.ToolCalls));
        }
    }

    [Test]
    public async Task TheToolThatIsRequiredIsCalledWithArgumentsOfItsSchema()
    {
        ChatResponse response = await Ask(new ChatOptions
        {
            Tools = [Time, Weather], ToolMode = ChatToolMode.RequireSpecific("get_weather"), AllowMultipleToolCalls = false, Temperature = 2, Seed = 5,
        });
        FunctionCallContent call = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Single();
        Assert.That(call.Name, Is.EqualTo("get_weather"));
        Assert.That(((JsonElement)call.Arguments!["city"]!).GetString(), Is.AnyOf("Bern", "Rome"));
        Assert.That(((JsonElement)call.Arguments["days"]!).GetInt32(), Is.InRange(1, 7));
    }

    [Test]
    public async Task OneCallIsOneCall()
    {
        // A grammar that asks for two calls, read back with leave for one.
        ChatOptions options = new() { Tools = [Time], AllowMultipleToolCalls = false, RawRepresentationFactory = _ => TwoCalls() };
        ChatResponse one = await Ask(options);
        Assert.That(one.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Count(), Is.EqualTo(1));
        options.AllowMultipleToolCalls = null;
        Assert.That((await Ask(options)).Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Count(), Is.EqualTo(2));

        static GenerationOptions TwoCalls()
        {
            const string call = "<tool_call>{\"name\": \"get_time\", \"arguments\": {}}</tool_call>";
            return new GenerationOptions { Grammar = $"root ::= {JsonSerializer.Serialize(call + call, Relaxed)}" };
        }
    }

    [Test]
    public async Task WithoutLeaveNoToolIsCalled()
    {
        const string call = "<tool_call>{\"name\": \"get_time\", \"arguments\": {}}</tool_call>";
        ChatOptions options = new()
        {
            Tools = [Time], ToolMode = ChatToolMode.None,
            RawRepresentationFactory = _ => new GenerationOptions { Grammar = $"root ::= {JsonSerializer.Serialize(call, Relaxed)}" },
        };
        ChatResponse response = await Ask(options);
        Assert.That(response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>(), Is.Empty);
        Assert.That((response.Text, response.FinishReason), Is.EqualTo((call, ChatFinishReason.Stop)));
    }

    [TestCase("""{"name": "Anna", "age": 3}""")]
    [TestCase("""{"name": "get_time"}""")]
    [TestCase("""{"name": "get_time", "arguments": null}""")]
    [TestCase("""{"name": "get_time", "arguments": [1]}""")]
    [TestCase("""{"name": "get_time", "parameters": "fast"}""")]
    [TestCase("""{"name": "Anna", "arguments": {"a": 1}}""")]
    [TestCase("""{"function": {"name": "get_time"}}""")]
    [TestCase("""<tool_call>{"name": "Anna", "arguments": {}}</tool_call>""")]
    [TestCase("""<tool_call>{"name": "get_time", "arguments": 3}</tool_call>""")]
    public async Task WhatNamesNoOfferedToolOrHasNoArgumentsStaysText(string answer)
    {
        ChatOptions options = new()
        {
            Tools = [Time],
            RawRepresentationFactory = _ => new GenerationOptions { Grammar = $"root ::= {JsonSerializer.Serialize(answer, Relaxed)}" },
        };
        ChatResponse response = await Ask(options);
        Assert.That(response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>(), Is.Empty);
        Assert.That(response.Text, Is.EqualTo(answer));
    }

    /// <summary>JSON with a name in it made function invocation go round until its limit of forty.</summary>
    [Test]
    public async Task AnAnswerInJsonWithANameEndsTheRoundOfCalls()
    {
        int rounds = 0;
        using IChatClient client = new ChatClientBuilder(_client).UseFunctionInvocation().Use((inner, options, next, cancellationToken) => Count(inner, options, next, cancellationToken)).Build();
        AIFunction tool = AIFunctionFactory.Create((string city) => "sunny in " + city, "get_weather", "tells the weather");
        const string answer = """{"name": "Anna", "arguments": {"age": 3}}""";
        ChatResponse response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, "Who is she?")], new ChatOptions
        {
            Tools = [tool],
            RawRepresentationFactory = _ => new GenerationOptions { Grammar = $"root ::= {JsonSerializer.Serialize(answer, Relaxed)}" },
        });
        Assert.That((rounds, response.Text), Is.EqualTo((1, answer)));

        async Task Count(IEnumerable<ChatMessage> messages, ChatOptions? options, Func<IEnumerable<ChatMessage>, ChatOptions?, CancellationToken, Task> next, CancellationToken cancellationToken)
        {
            rounds++;
            await next(messages, options, cancellationToken);
        }
    }

    [Test]
    public async Task ARequiredToolIsInvokedAndThenTheModelAnswers()
    {
        int invoked = 0;
        AIFunction tool = AIFunctionFactory.Create(() =>
        {
            invoked++;
            return "twelve";
        }, "get_time", "tells the time");
        using IChatClient client = new ChatClientBuilder(_client).UseFunctionInvocation().Build();
        ChatResponse response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, "What time is it?")],
            new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.RequireSpecific("get_time"), AllowMultipleToolCalls = false, MaxOutputTokens = 60 });
        Assert.That(invoked, Is.EqualTo(1));
        Assert.That(response.Messages.Select(message => message.Role), Is.EqualTo(new[] { ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant }));
    }

    /// <summary>With a schema and tools, the answer is JSON of the schema or a call: neither shuts the other out.</summary>
    [Test]
    public async Task JsonAndToolsGoTogether()
    {
        ChatOptions options = new()
        {
            Tools = [Time],
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"seen":{"type":"boolean"}},"required":["seen"]}""")),
            Temperature = 3,
        };
        bool called = false, answered = false;
        for (int seed = 0; seed < 40 && !(called && answered); seed++)
        {
            options.Seed = seed;
            ChatResponse response = await Ask(options);
            bool call = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Any();
            if (!call) Assert.That(JsonElement.Parse(response.Text).GetProperty("seen").ValueKind, Is.AnyOf(JsonValueKind.True, JsonValueKind.False));
            called |= call;
            answered |= !call;
        }

        Assert.That((called, answered), Is.EqualTo((true, true)));
    }

    private static JsonSerializerOptions Relaxed { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Task<ChatResponse> Ask(ChatOptions options) => _client.GetResponseAsync([new ChatMessage(ChatRole.User, "What is the weather?")], options);
}
