using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;
using TinyMllm.Engine.Sampling;
using TinyMllm.ExtensionsAI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Api;

/// <summary>
/// Every option of a request is honoured or refused by name. The tables hold a decision for each property; one that a new version of
/// Microsoft.Extensions.AI brings fails the tests until it is decided.
/// </summary>
[TestFixture]
public sealed class RequestOptionsTests
{
    private static readonly AIFunctionDeclaration Weather =
        AIFunctionFactory.CreateDeclaration("weather", "tells the weather", JsonElement.Parse("""{"type":"object"}"""));

    /// <summary>What is set, and what comes of it: a property of the request, or an exception.</summary>
    private static readonly Decision[] Decisions =
    [
        Honoured(nameof(ChatOptions.Instructions), o => o.Instructions = "Be brief.", r => r.Turns[0].Message.Parts[0].Text == "Be brief."),
        Honoured(nameof(ChatOptions.Temperature), o => o.Temperature = 0.5f, r => r.Generation.Sampling!.Temperature == 0.5f),
        Honoured(nameof(ChatOptions.MaxOutputTokens), o => o.MaxOutputTokens = 9, r => r.Generation.MaxTokens == 9),
        Refused<ArgumentException>(nameof(ChatOptions.MaxOutputTokens), o => o.MaxOutputTokens = 0),
        Refused<ArgumentException>(nameof(ChatOptions.MaxOutputTokens), o => o.MaxOutputTokens = -1),
        Honoured(nameof(ChatOptions.TopP), o => o.TopP = 0.5f, r => r.Generation.Sampling!.TopP == 0.5f),
        Honoured(nameof(ChatOptions.TopK), o => o.TopK = 7, r => r.Generation.Sampling!.TopK == 7),
        Honoured(nameof(ChatOptions.FrequencyPenalty), o => o.FrequencyPenalty = 0.5f, r => r.Generation.Sampling!.FrequencyPenalty == 0.5f),
        Honoured(nameof(ChatOptions.PresencePenalty), o => o.PresencePenalty = 0.5f, r => r.Generation.Sampling!.PresencePenalty == 0.5f),
        Honoured(nameof(ChatOptions.Seed), o => o.Seed = 3, r => r.Generation.Sampling!.Seed == 3),
        Honoured(nameof(ChatOptions.Seed), o => o.Seed = (1L << 40) + 3, r => r.Generation.Sampling!.Seed == 256 + 3),
        Honoured(nameof(ChatOptions.Reasoning), o => o.Reasoning = new() { Effort = ReasoningEffort.None }, r => r.Rendering.EnableThinking is false),
        Honoured(nameof(ChatOptions.Reasoning), o => o.Reasoning = new() { Effort = ReasoningEffort.Low },
            r => r.Rendering.EnableThinking is true && r.Rendering.Variables["reasoning_effort"].GetString() == "low"),
        Honoured(nameof(ChatOptions.Reasoning), o =>
        {
            o.Reasoning = new() { Effort = ReasoningEffort.ExtraHigh };
            o.RawRepresentationFactory = _ => new GenerationOptions { Thinking = false, TemplateVariables = new Dictionary<string, object?> { ["a"] = 1 } };
        }, r => r.Rendering.EnableThinking is true && r.Rendering.Variables["reasoning_effort"].GetString() == "high" && r.Rendering.Variables.ContainsKey("a")),
        Honoured(nameof(ChatOptions.Reasoning), o => o.Reasoning = new() { Output = ReasoningOutput.None }, r => !r.ShowReasoning && r.Rendering.EnableThinking is null),
        Honoured(nameof(ChatOptions.Reasoning), o => o.Reasoning = new() { Output = ReasoningOutput.Full }, r => r.ShowReasoning),
        Refused<NotSupportedException>(nameof(ChatOptions.Reasoning), o => o.Reasoning = new() { Output = ReasoningOutput.Summary }),
        Honoured(nameof(ChatOptions.ResponseFormat), o => o.ResponseFormat = ChatResponseFormat.Json,
            r => r.Generation.JsonSchema == """{"type":"object"}"""),
        Honoured(nameof(ChatOptions.ResponseFormat), o => o.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("true")),
            r => r.Generation.JsonSchema == "true"),
        Honoured(nameof(ChatOptions.ResponseFormat), o =>
        {
            o.ResponseFormat = ChatResponseFormat.Text;
            o.RawRepresentationFactory = _ => new GenerationOptions { JsonSchema = "{}" };
        }, r => r.Generation.JsonSchema is null),
        Honoured(nameof(ChatOptions.ResponseFormat), o =>
        {
            o.ResponseFormat = ChatResponseFormat.Json;
            o.RawRepresentationFactory = _ => new GenerationOptions { Grammar = "root ::= \"a\"" };
        }, r => r.Generation.Grammar is null),
        Honoured(nameof(ChatOptions.ModelId), o => o.ModelId = "the model", r => r.Turns.Count == 1),
        Refused<ArgumentException>(nameof(ChatOptions.ModelId), o => o.ModelId = "gpt-9"),
        Honoured(nameof(ChatOptions.StopSequences), o => o.StopSequences = ["a", "b"], r => r.Generation.StopStrings is ["a", "b"]),
        Refused<ArgumentException>(nameof(ChatOptions.StopSequences), o => o.StopSequences = ["a", ""]),
        Refused<ArgumentException>(nameof(ChatOptions.StopSequences), o => o.StopSequences = [null!]),
        Honoured(nameof(ChatOptions.AllowMultipleToolCalls), o => o.AllowMultipleToolCalls = false, r => !r.Tools.Several),
        Honoured(nameof(ChatOptions.AllowMultipleToolCalls), o => o.AllowMultipleToolCalls = true, r => r.Tools.Several),
        Honoured(nameof(ChatOptions.Tools), o => o.Tools = [Weather], r => r.Rendering.Tools is [{ Name: "weather" }] && r.Tools is { Tools.Count: 1, Required: false }),
        Refused<NotSupportedException>(nameof(ChatOptions.Tools), o => o.Tools = [new HostedWebSearchTool()]),
        Refused<NotSupportedException>(nameof(ChatOptions.Tools), o => o.Tools = [null!]),
        Refused<ArgumentException>(nameof(ChatOptions.Tools), o => o.Tools = [Weather, Weather]),
        Honoured(nameof(ChatOptions.ToolMode), o => (o.Tools, o.ToolMode) = ([Weather], ChatToolMode.None), r => r.Rendering.Tools.Count == 0 && r.Tools.Tools.Count == 0),
        Honoured(nameof(ChatOptions.ToolMode), o => (o.Tools, o.ToolMode) = ([Weather], ChatToolMode.Auto), r => r.Tools is { Required: false, Tools.Count: 1 }),
        Honoured(nameof(ChatOptions.ToolMode), o => (o.Tools, o.ToolMode) = ([Weather], ChatToolMode.RequireAny), r => r.Tools is { Required: true, Tools.Count: 1 }),
        Honoured(nameof(ChatOptions.ToolMode), o => (o.Tools, o.ToolMode) = ([Weather, Named("time")], ChatToolMode.RequireSpecific("time")),
            r => r.Tools is { Required: true, Tools: [{ Name: "time" }] }),
        Refused<ArgumentException>(nameof(ChatOptions.ToolMode), o => (o.Tools, o.ToolMode) = ([Weather], ChatToolMode.RequireSpecific("time"))),
        Refused<ArgumentException>(nameof(ChatOptions.ToolMode), o => o.ToolMode = ChatToolMode.RequireAny),
        Refused<NotSupportedException>(nameof(ChatOptions.ConversationId), o => o.ConversationId = "c1"),
        Refused<NotSupportedException>(nameof(ChatOptions.ContinuationToken), o => o.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 })),

        // A permission, of which no use is made.
        Honoured(nameof(ChatOptions.AllowBackgroundResponses), o => o.AllowBackgroundResponses = true, r => r.Turns.Count == 1),
        Honoured(nameof(ChatOptions.RawRepresentationFactory), o => o.RawRepresentationFactory = _ => new GenerationOptions { LogProbabilities = 2 },
            r => r.Generation.LogProbabilities == 2),
        Honoured(nameof(ChatOptions.RawRepresentationFactory), o =>
        {
            o.RawRepresentationFactory = _ => new GenerationOptions { MaxTokens = 5, SystemPrompt = "Be kind.", Sampling = new SamplerOptions { MinP = 0.2f } };
            (o.MaxOutputTokens, o.Temperature) = (6, 0.1f);
        }, r => r.Generation is { MaxTokens: 6, Sampling: { MinP: 0.2f, Temperature: 0.1f } } && r.Turns[0].Message.Parts[0].Text == "Be kind."),
        Honoured(nameof(ChatOptions.RawRepresentationFactory), o => o.RawRepresentationFactory = _ => null, r => r.Generation.MaxTokens == 512),
        Refused<ArgumentException>(nameof(ChatOptions.RawRepresentationFactory), o => o.RawRepresentationFactory = _ => new SamplerOptions()),
        Refused<ArgumentException>(nameof(ChatOptions.RawRepresentationFactory), o =>
        {
            o.RawRepresentationFactory = _ => GenerationOptions.Default;
            o.AdditionalProperties = new() { ["GenerationOptions"] = GenerationOptions.Default };
        }),
        Honoured(nameof(ChatOptions.AdditionalProperties), o => o.AdditionalProperties = new() { ["GenerationOptions"] = new GenerationOptions { LogProbabilities = 2 } },
            r => r.Generation.LogProbabilities == 2),
        Honoured(nameof(ChatOptions.AdditionalProperties), o => o.AdditionalProperties = new() { ["trace"] = "somebody else's" }, r => r.Turns.Count == 1),
        Refused<ArgumentException>(nameof(ChatOptions.AdditionalProperties), o => o.AdditionalProperties = new() { ["GenerationOptions"] = "{}" }),
        Refused<ArgumentException>(nameof(ChatOptions.AdditionalProperties), o => o.AdditionalProperties = new() { ["min_p"] = 0.1f }),
    ];

    private static readonly Dictionary<string, (Action<EmbeddingGenerationOptions> Fine, (Action<EmbeddingGenerationOptions> Set, Type Error)? Bad)> EmbeddingDecisions = new()
    {
        [nameof(EmbeddingGenerationOptions.ModelId)] = (o => o.ModelId = "TinyMllm demo", (o => o.ModelId = "other", typeof(ArgumentException))),
        [nameof(EmbeddingGenerationOptions.Dimensions)] = (o => o.Dimensions = 256, (o => o.Dimensions = 64, typeof(NotSupportedException))),
        [nameof(EmbeddingGenerationOptions.RawRepresentationFactory)] =
            (o => o.RawRepresentationFactory = _ => null, (o => o.RawRepresentationFactory = _ => "x", typeof(ArgumentException))),

        // Others' things: there is nothing of ours that could stand there.
        [nameof(EmbeddingGenerationOptions.AdditionalProperties)] = (o => o.AdditionalProperties = new() { ["trace"] = 1 }, null),
    };

    [Test]
    public void EveryOptionIsDecided() =>
        Assert.That(Decisions.Select(decision => decision.Property).Distinct(), Is.EquivalentTo(Properties(typeof(ChatOptions))));

    [TestCaseSource(nameof(Decisions))]
    public void AnOptionIsHonouredOrRefusedByName(Decision decision)
    {
        var options = new ChatOptions();
        decision.Set(options);
        if (decision.Honoured is { } honoured)
        {
            Assert.That(honoured(Read([new ChatMessage(ChatRole.User, "Hi")], options)), Is.True);
        }
        else
        {
            Assert.That(() => Read([new ChatMessage(ChatRole.User, "Hi")], options),
                Throws.TypeOf(decision.Error!).With.Message.Contains("ChatOptions." + decision.Property));
        }
    }

    [Test]
    public void EveryEmbeddingOptionIsDecided() =>
        Assert.That(EmbeddingDecisions.Keys, Is.EquivalentTo(Properties(typeof(EmbeddingGenerationOptions))));

    [Test]
    public async Task AnEmbeddingOptionIsHonouredOrRefusedByName()
    {
        using VisionLanguageModel model = Demo.Load();
        IEmbeddingGenerator<DataContent, Embedding<float>> generator = model.AsImageEmbeddingGenerator();
        DataContent[] pictures = [new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png")];
        foreach (var (property, (fine, bad)) in EmbeddingDecisions)
        {
            var options = new EmbeddingGenerationOptions();
            fine(options);
            Assert.That(await generator.GenerateAsync(pictures, options), Has.Count.EqualTo(1), property);
            if (bad is not { } refused) continue;
            refused.Set(options);
            Assert.That(() => generator.GenerateAsync(pictures, options),
                Throws.TypeOf(refused.Error).With.Message.Contains("EmbeddingGenerationOptions." + property), property);
        }
    }

    [Test]
    public void OptionsOfThisLibraryAreKnownByEveryName()
    {
        string[] names = [.. Properties(typeof(GenerationOptions)), .. Properties(typeof(SamplerOptions))];
        foreach (string name in names)
        {
            Assert.That(() => Read([new ChatMessage(ChatRole.User, "Hi")], new ChatOptions { AdditionalProperties = new() { [name] = null } }),
                Throws.ArgumentException.With.Message.Contains($"[\"{name}\"]"), name);
        }
    }

    [Test]
    public void RawPromptsHaveNoMessages() =>
        Assert.That(() => Read([new ChatMessage(ChatRole.User, "Hi")], new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { Raw = true } }),
            Throws.ArgumentException.With.Message.Contains("GenerationOptions.Raw"));

    /// <summary>Every kind of content but those that are understood.</summary>
    [Test]
    public void ContentsThatAreNotUnderstoodAreRefusedByName()
    {
        AIContent[] contents =
        [
            new HostedFileContent("file-1"), new HostedVectorStoreContent("store-1"), new ErrorContent("oops"), new AIContent(), new Strange(),
            new ToolApprovalRequestContent("1", new FunctionCallContent("1", "f")), new DataContent(new byte[4], "audio/wav"),
        ];
        foreach (AIContent content in contents)
        {
            string name = content is DataContent ? "audio/wav" : content.GetType().Name;
            Assert.That(() => Read([new ChatMessage(ChatRole.User, [new TextContent("Hi"), content])], null),
                Throws.TypeOf<NotSupportedException>().With.Message.Contains(name), name);
        }

        Request request = Read([new ChatMessage(ChatRole.Assistant, [new TextReasoningContent("hm"), new TextContent("Hi"), new UsageContent(new UsageDetails())])], null);
        Assert.That(request.Turns.Single().Message.Parts, Has.Count.EqualTo(1));
    }

    [Test]
    public void APictureInAToolsResultIsAPicture()
    {
        byte[] file = File.ReadAllBytes(Demo.Sample("pizza"));
        string address = "data:image/png;base64," + Convert.ToBase64String(file);
        var picture = new DataContent(file, "image/png");
        (object? Result, string[] Parts)[] cases =
        [
            (picture, ["*"]),
            (new AIContent[] { new TextContent("Here:"), picture, new TextContent("Done.") }, ["Here:", "*", "Done."]),
            (JsonSerializer.SerializeToElement(new { name = "a", image = address, more = 1 }), ["{\"name\":\"a\",\"image\":\"", "*", "\",\"more\":1}"]),
            (JsonSerializer.SerializeToElement(picture, AIJsonUtilities.DefaultOptions), ["{\"uri\":\"", "*", "\"}"]),
            (address + " " + address, ["*", " ", "*"]),
            ("see data:image/png;base64,AAA for more", ["see data:image/png;base64,AAA for more"]),
            ("", [""]),
            (JsonElement.Parse("""[1, {"a": "b"}]"""), ["""[1,{"a":"b"}]"""]),
        ];
        foreach (var (result, parts) in cases)
        {
            TinyMllm.ChatTurn turn = Read([new ChatMessage(ChatRole.Tool, [new FunctionResultContent("1", result)])], null).Turns.Single();
            Assert.That(turn.Message.Parts.Select(part => part.Text ?? "*"), Is.EqualTo(parts));
            Assert.That(turn.Images, Has.Count.EqualTo(parts.Count(part => part == "*")));
            Assert.That((turn.Message.Role, turn.Message.ToolCallId), Is.EqualTo((TinyMllm.Loaders.Text.Chat.TurnRole.Tool, "1")));
        }

        var failed = new FunctionResultContent("1", null) { Exception = new InvalidOperationException("no network") };
        Assert.That(Read([new ChatMessage(ChatRole.Tool, [failed])], null).Turns.Single().Message.Parts.Single().Text, Is.EqualTo("Error: no network"));
    }

    [Test]
    public void RolesAreKnownOrRefused()
    {
        Request request = Read([new ChatMessage(new ChatRole("developer"), "Be brief."), new ChatMessage(ChatRole.User, "Hi")], null);
        Assert.That(request.Turns[0].Message.Role, Is.EqualTo(TinyMllm.Loaders.Text.Chat.TurnRole.System));
        Assert.That(() => Read([new ChatMessage(new ChatRole("narrator"), "Once")], null), Throws.TypeOf<NotSupportedException>().With.Message.Contains("'narrator'"));
    }

    private static AIFunctionDeclaration Named(string name) => AIFunctionFactory.CreateDeclaration(name, "", JsonElement.Parse("""{"type":"object"}"""));

    private static Request Read(IEnumerable<ChatMessage> messages, ChatOptions? options) => Requests.Reader("the model").Read(messages, options);

    private static IEnumerable<string> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is not null).Select(property => property.Name);

    private static Decision Honoured(string property, Action<ChatOptions> set, Func<Request, bool> honoured) => new(property, set, honoured, null);

    private static Decision Refused<T>(string property, Action<ChatOptions> set)
        where T : Exception => new(property, set, null, typeof(T));

    public sealed record Decision(string Property, Action<ChatOptions> Set, object? Check, Type? Error)
    {
        internal Func<Request, bool>? Honoured => (Func<Request, bool>?)Check;

        public override string ToString() => $"{Property} {(Error is null ? "honoured" : "refused")}";
    }

    private sealed class Strange : AIContent;
}

/// <summary>Readers of requests that need no model.</summary>
internal static class Requests
{
    public static RequestReader Reader(string modelId) =>
        new(new ContentReader(new PictureFolder(null), new PictureDecoder(ImageOptions.Default)), new ChatOptionsReader(new NoClient(), modelId, SamplerOptions.Greedy));

    private sealed class NoClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
