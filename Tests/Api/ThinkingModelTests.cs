using System.Text.Json;
using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.Tests.Api;

/// <summary>Thoughts, template variables and templates of one's own, as a user of the library meets them.</summary>
[TestFixture]
public sealed class ThinkingModelTests
{
    private const string Turns = "{% for m in messages %}{% if m.role == 'user' %}Q: {{ m.content }}{% else %} A: {{ m.content }}\n{% endif %}{% endfor %} A:";

    /// <summary>Opens thoughts unless told not to; prints a variable.</summary>
    private const string Thinker = Turns + "{{ mood }}{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}";

    /// <summary>The demo model thinks what it likes, until the half of the tokens is gone; then it must say yes.</summary>
    private static readonly GenerationOptions Yes = new() { Grammar = "root ::= \"yes\"", MaxTokens = 24 };

    private VisionLanguageModel _model = null!;

    [OneTimeSetUp]
    public void Load() => _model = Demo.Load(new ModelOptions { ChatTemplate = Thinker });

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public async Task ThoughtsAreNoPartOfTheTextNorOfTheSession()
    {
        using ChatSession session = _model.CreateSession();
        List<GeneratedPiece> pieces = [];
        await foreach (GeneratedPiece piece in session.GenerateAsync("What do you see?", options: Yes)) pieces.Add(piece);
        GenerationResult result = pieces[^1].Result!;
        Assert.That(result.Text, Is.EqualTo("yes"));
        Assert.That(result.Reasoning, Is.Not.Empty.And.Not.Contains("think>"));
        Assert.That(string.Concat(pieces), Is.EqualTo("yes"), "what is printed");
        Assert.That(string.Concat(pieces.Select(piece => piece.Reasoning)).Trim(), Is.EqualTo(result.Reasoning));
        Assert.That(pieces.FindLastIndex(piece => piece.Reasoning.Length > 0), Is.LessThanOrEqualTo(pieces.FindIndex(piece => piece.Text.Length > 0)));
        TurnMessage stored = session.Turns[^1].Message;
        Assert.That((stored.Parts.Single().Text, stored.Reasoning), Is.EqualTo(("yes", (string?)null)));

        await Demo.ResultOf(session.GenerateAsync("And now?", options: Yes));
        Assert.That(_model.ChatTemplate.Render([.. session.Turns.Take(3).Select(turn => turn.Message)]),
            Is.EqualTo("Q: What do you see? A: yes\nQ: And now? A:<think>\n"), "the next prompt");
    }

    [Test]
    public async Task ThinkingCanBeTurnedOff()
    {
        foreach (bool? thinking in new bool?[] { null, true, false })
        {
            GenerationResult result = await _model.AnswerAsync("What do you see?", options: Yes with { Thinking = thinking });
            Assert.That((result.Text, result.Reasoning.Length > 0), Is.EqualTo(("yes", thinking is not false)), $"{thinking}");
        }

        GenerationResult free = await _model.AnswerAsync("What do you see?", options: new GenerationOptions { MaxTokens = 8 });
        Assert.That((free.Text, free.Reasoning), Is.EqualTo(("", free.Reasoning)).And.Matches<(string, string Reasoning)>(both => both.Reasoning.Length > 0));
        free = await _model.AnswerAsync("What do you see?", options: new GenerationOptions { MaxTokens = 8, Thinking = false });
        Assert.That(free.Text, Is.Not.Empty);
        Assert.That(free.Reasoning, Is.Empty);
    }

    [Test]
    public async Task TheChatClientKeepsThemApartToo()
    {
        IChatClient client = _model.AsChatClient();
        var options = new ChatOptions { RawRepresentationFactory = _ => Yes };
        ChatResponse response = await client.GetResponseAsync("What do you see?", options);
        Assert.That(response.Text, Is.EqualTo("yes"));
        Assert.That(response.Messages[0].Contents.OfType<TextReasoningContent>().Select(thought => thought.Text), Has.Some.Not.Empty.And.All.Not.Contain("think>"));
        options.RawRepresentationFactory = _ => Yes with { Thinking = false };
        response = await client.GetResponseAsync("What do you see?", options);
        Assert.That((response.Text, response.Messages[0].Contents.OfType<TextReasoningContent>().Count()), Is.EqualTo(("yes", 0)));
        options.Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High };
        response = await client.GetResponseAsync([new(ChatRole.User, "What do you see?")], options);
        Assert.That(response.Messages[0].Contents.OfType<TextReasoningContent>(), Is.Not.Empty, "the request's own wish wins");
    }

    [Test]
    public async Task StopStringsEndTheAnswerNotTheThoughts()
    {
        GenerationResult result = await _model.AnswerAsync("What do you see?", options: Yes with { StopStrings = [" ", "a", "s"] });
        Assert.That((result.Text, result.FinishReason, result.StopString), Is.EqualTo(("ye", FinishReason.StopString, "s")));
        Assert.That(result.Reasoning, Is.Not.Empty);
    }

    [Test]
    public async Task ARawAnswerIsTextThroughout()
    {
        GenerationResult result = await _model.AnswerAsync("Q: What do you see? A:<think>", options: new GenerationOptions { Raw = true, MaxTokens = 8 });
        Assert.That(result.Text, Is.Not.Empty);
        Assert.That(result.Reasoning, Is.Empty);
    }

    [Test]
    public async Task VariablesReachTheTemplate()
    {
        var variables = new Dictionary<string, object?>
        {
            ["mood"] = new List<object?> { "loud", 3, 2.0, 0.1f, true, null, new Dictionary<string, object?> { ["k"] = JsonElement.Parse("[1]") }, new[] { 1, 2 } },
        };
        var options = new GenerationOptions { TemplateVariables = variables, Thinking = false, MaxTokens = 1 };
        Assert.That(_model.ChatTemplate.Render([TurnMessage.User("a")], options.Rendering()),
            Is.EqualTo("Q: a A:['loud', 3, 2.0, 0.1, True, None, {'k': [1]}, [1, 2]]<think>\n\n</think>\n\n"));
        GenerationUsage with = (await _model.AnswerAsync("a", options: options)).Usage,
            without = (await _model.AnswerAsync("a", options: options with { TemplateVariables = new Dictionary<string, object?>() })).Usage;
        Assert.That(with.PromptTokens, Is.GreaterThan(without.PromptTokens));
        Assert.That(() => _model.GenerateAsync("a", options: options with { TemplateVariables = new Dictionary<string, object?> { ["x"] = new Version(1, 2) } }),
            Throws.ArgumentException.With.Message.Contains("'x'").And.Message.Contains("Version"));
    }

    [Test]
    public void InLlamaCppsModeTheSwitchIsAlwaysDefined()
    {
        const string template = "{{ messages[0].content }} {{ enable_thinking }} {{ thinking is defined }}";
        string Prompt(Compatibility compatibility, GenerationOptions options)
        {
            using VisionLanguageModel model = Demo.Load(new ModelOptions { ChatTemplate = template, Compatibility = compatibility });
            return model.ChatTemplate.Render([TurnMessage.User("a")], options.Rendering());
        }

        Assert.That(Prompt(Compatibility.Original, new()), Is.EqualTo("a  False"));
        Assert.That(Prompt(Compatibility.LlamaCpp, new()), Is.EqualTo("a True False"));
        Assert.That(Prompt(Compatibility.LlamaCpp, new() { Thinking = false }), Is.EqualTo("a False True"));
        Assert.That(Prompt(Compatibility.LlamaCpp, new() { TemplateVariables = new Dictionary<string, object?> { ["enable_thinking"] = 7 } }), Is.EqualTo("a 7 False"));
    }

    [Test]
    public async Task ATemplateThatIsNoGoodStopsOnlyConversations()
    {
        using VisionLanguageModel model = Demo.Load(new ModelOptions { ChatTemplate = "{% include 'x' %}" });
        Assert.That(model.ChatTemplate.Problem!.Message, Is.EqualTo("chat template, line 1: statement 'include' is not supported here"));
        Assert.That(model.Info.Warnings, Is.EqualTo(new[] { $"{Demo.ModelPath}: {model.ChatTemplate.Problem.Message}" }));
        Assert.That((await model.AnswerAsync("a", options: new GenerationOptions { Raw = true, MaxTokens = 4 })).Usage.PromptTokens, Is.Positive);
        Assert.That(() => model.AnswerAsync("a"), Throws.TypeOf<ChatTemplateException>());
        using ChatSession session = model.CreateSession();
        Assert.That(() => Demo.TextOf(session.GenerateAsync("a")), Throws.TypeOf<ChatTemplateException>());
        using VisionLanguageModel named = Demo.Load(new ModelOptions { ChatTemplate = "chatml" });
        Assert.That(named.ChatTemplate.BuiltInName, Is.EqualTo("chatml"));
    }
}
