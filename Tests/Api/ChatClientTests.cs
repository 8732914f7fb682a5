using System.Text.Json;
using Microsoft.Extensions.AI;
using TinyMllm.ExtensionsAI;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.Tests.Api;

/// <summary>The model behind Microsoft.Extensions.AI.</summary>
[TestFixture]
public sealed class ChatClientTests
{
    private VisionLanguageModel _model = null!;
    private IChatClient _client = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _model = Demo.Load(new ModelOptions { PictureFolder = Path.Combine(Demo.Folder, "samples") });
        _client = _model.AsChatClient();
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _client.Dispose();
        _model.Dispose();
    }

    [Test]
    public async Task APictureAsBytesOrAsAFileIsAnswered()
    {
        AIContent[] pictures =
            [new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png"),
            new UriContent(new Uri(Demo.Sample("pizza")), "image/png")];
        foreach (AIContent picture in pictures)
        {
            ChatResponse response =
                await _client.GetResponseAsync([new ChatMessage(ChatRole.User, [picture, new TextContent("What do you see?")])]);
            Assert.That(response.Text, Is.EqualTo("a pizza on a green background."));
            Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
            Assert.That(response.ModelId, Is.EqualTo("TinyMllm demo"));
            Assert.That(response.Usage!.OutputTokenCount, Is.Positive);
            Assert.That(response.Usage.TotalTokenCount, Is.EqualTo(response.Usage.InputTokenCount + response.Usage.OutputTokenCount));
        }
    }

    [Test]
    public async Task AConversationStreamsAndReadsOnlyWhatIsNew()
    {
        var messages = new List<ChatMessage> { new(ChatRole.User,
            [new DataContent(File.ReadAllBytes(Demo.Sample("strawberry")), "image/png"), new TextContent("What do you see?")]) };
        List<ChatResponseUpdate> updates = await Collect(messages);
        Assert.That(string.Concat(updates), Is.EqualTo("a strawberry on a yellow background."));
        Assert.That(updates.Count(update => update.Text.Length > 0), Is.GreaterThan(3));
        Assert.That(updates.Select(update => update.ResponseId).Distinct().Count(), Is.EqualTo(1));

        messages.AddMessages(updates);
        messages.Add(new ChatMessage(ChatRole.User, "What color is the background?"));
        var second = (await Collect(messages)).ToChatResponse();
        Assert.That(second.Text, Is.EqualTo("yellow."));
        Assert.That(second.Usage!.CachedInputTokenCount, Is.GreaterThan(20));
    }

    [Test]
    public async Task OptionsAreMapped()
    {
        ChatMessage question =
            new(ChatRole.User, [new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png"), new TextContent("What do you see?")]);
        ChatResponse two = await _client.GetResponseAsync([question], new ChatOptions { MaxOutputTokens = 2 });
        Assert.That((two.Text, two.FinishReason), Is.EqualTo(("a pizza", ChatFinishReason.Length)));
        ChatResponse stopped = await _client.GetResponseAsync([question], new ChatOptions { StopSequences = [" green"] });
        Assert.That(stopped.Text, Is.EqualTo("a pizza on a"));
        var sampled = new ChatOptions { Temperature = 2, TopP = 1, TopK = 0, Seed = 11 };
        string first = (await _client.GetResponseAsync([question], sampled)).Text;
        Assert.That((await _client.GetResponseAsync([question], sampled)).Text, Is.EqualTo(first));
    }

    [Test]
    public async Task StructuredOutputHasTheShapeOfItsType()
    {
        ChatMessage question =
            new(ChatRole.User, [new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png"),
            new TextContent("How many objects are there?")]);
        var schema = JsonElement.Parse("""{"type":"object","properties":{"seen":{"type":"boolean"}},"required":["seen"],"additionalProperties":false}""");
        ChatResponse response =
            await _client.GetResponseAsync([question], new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) });
        using var json = JsonDocument.Parse(response.Text);
        Assert.That(json.RootElement.GetProperty("seen").ValueKind, Is.AnyOf(JsonValueKind.True, JsonValueKind.False));
    }

    [Test]
    public void RequestsAreRead()
    {
        var options = new ChatOptions
        {
            Instructions = "Be brief.", Temperature = 0.5f, TopK = 7, Seed = 3, FrequencyPenalty = 0.25f, MaxOutputTokens = 9,
            ResponseFormat = ChatResponseFormat.Json, Tools =
                [AIFunctionFactory.CreateDeclaration("weather", "tells the weather", AIJsonUtilities.CreateJsonSchema(typeof(string)))],
        };
        ChatMessage[] messages =
        [
            new(ChatRole.User, [new TextContent("Look:"), new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png")]),
            new(ChatRole.Assistant, [new FunctionCallContent("1", "weather", new Dictionary<string, object?> { ["place"] = "here" })]),
            new(ChatRole.Tool, [new FunctionResultContent("1", new { sunny = true }.ToString())]),
        ];
        Request request = Requests.Reader("any").Read(messages, options);
        Assert.That(request.Turns.Select(turn => turn.Message.Role.ToString()),
            Is.EqualTo(new[] { "System", "User", "Assistant", "Tool" }));
        Assert.That(request.Turns[1].Images, Has.Count.EqualTo(1));
        Assert.That(request.Turns[1].Message.Parts.Select(part => part.IsImage), Is.EqualTo(new[] { false, true }));
        Assert.That(request.Turns[2].Message.ToolCalls.Single(), Is.EqualTo(new ChatToolCall("1", "weather", """{"place":"here"}""")));
        Assert.That(request.Turns[3].Message.ToolCallId, Is.EqualTo("1"));
        Assert.That(request.Rendering.Tools.Single().Name, Is.EqualTo("weather"));
        Assert.That(request.Generation, Has.Property("MaxTokens").EqualTo(9).And.Property("JsonSchema").EqualTo("""{"type":"object"}"""));
        Assert.That(request.Generation.Sampling,
            Has.Property("Temperature").EqualTo(0.5f).And.Property("TopK").EqualTo(7).And.Property("FrequencyPenalty").EqualTo(0.25f)
            .And.Property("Seed").EqualTo(3u));
    }

    [Test]
    public void WhatIsNotUnderstoodIsRefused()
    {
        Assert.That(() => _client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new UriContent("https://example.com/a.png", "image/png")])]),
            Throws.TypeOf<NotSupportedException>());
        Assert.That(() => _client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[4], "audio/wav")])]),
            Throws.TypeOf<NotSupportedException>());
        Assert.That(() => _client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[4], "image/png")])]),
            Throws.TypeOf<Loaders.Images.ImageFormatException>());
        Assert.That(() => _client.GetResponseAsync([]), Throws.ArgumentException);
    }

    /// <summary>The demo model knows no JSON at all: its answers are random, but for their form.</summary>
    [Test]
    public async Task JsonModeGivesOneObjectAndNothingBesides()
    {
        var closed = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            ChatResponse response = await _client.GetResponseAsync([new ChatMessage(ChatRole.User, "How many objects are there?")],
                new ChatOptions { ResponseFormat = ChatResponseFormat.Json, Temperature = 2, TopK = 20, Seed = seed, MaxOutputTokens = 200 });
            Assert.That(response.Text, Does.StartWith("{"));
            if (response.FinishReason == ChatFinishReason.Length) continue;
            closed++;
            Assert.That(response.Text, Does.EndWith("}"));
            Assert.That(JsonElement.Parse(response.Text).ValueKind, Is.EqualTo(JsonValueKind.Object));
        }

        Assert.That(closed, Is.Positive, "some were whole");
    }

    [Test]
    public async Task ResponsesCarryTheResultAndUpdatesThePieces()
    {
        ChatMessage question = new(ChatRole.User, [new DataContent(File.ReadAllBytes(Demo.Sample("pizza")), "image/png"), new TextContent("What do you see?")]);
        var options = new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { LogProbabilities = 1 } };
        ChatResponse response = await _client.GetResponseAsync([question], options);
        var result = (GenerationResult)response.RawRepresentation!;
        Assert.That((result.Text, result.FinishReason), Is.EqualTo((response.Text, FinishReason.EndOfTurn)));
        Assert.That(result.Scores, Has.Count.EqualTo((int)response.Usage!.OutputTokenCount!));
        Assert.That(result.Timings.FirstToken, Is.GreaterThan(TimeSpan.Zero));

        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync([question], options)) updates.Add(update);
        GeneratedPiece[] pieces = [.. updates.Select(update => update.RawRepresentation).OfType<GeneratedPiece>()];
        Assert.That(string.Concat(pieces.Select(piece => piece.Text)), Is.EqualTo(response.Text));
        Assert.That(pieces.SelectMany(piece => piece.Scores).Select(score => score.Token), Is.EqualTo(result.Scores.Select(score => score.Token)));
        Assert.That(pieces.Count(piece => piece.Result is not null), Is.EqualTo(1));
        Assert.That(pieces[^1].Result!.Text, Is.EqualTo(response.Text));
    }

    [Test]
    public void ServicesAreFound()
    {
        Assert.That(_client.GetService<ChatClientMetadata>()!.DefaultModelId, Is.EqualTo("TinyMllm demo"));
        Assert.That(_client.GetService<VisionLanguageModel>(), Is.SameAs(_model));
        Assert.That(_client.GetService<IChatClient>(), Is.SameAs(_client));
        Assert.That(_client.GetService(typeof(string)), Is.Null);
    }

    [Test]
    public async Task PicturesHaveEmbeddings()
    {
        IEmbeddingGenerator<DataContent, Embedding<float>> generator = _model.AsImageEmbeddingGenerator();
        var pictures = new[] { "pizza", "penguin" }.Select(name => new DataContent(File.ReadAllBytes(Demo.Sample(name)), "image/png"));
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(pictures);
        Assert.That(embeddings, Has.Count.EqualTo(2));
        Assert.That(embeddings[0].Vector.Length, Is.EqualTo(256));
        Assert.That(embeddings.Usage!.InputTokenCount, Is.EqualTo(32));
    }

    private async Task<List<ChatResponseUpdate>> Collect(IEnumerable<ChatMessage> messages)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(messages)) updates.Add(update);
        return updates;
    }
}
