using System.Text.Json;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;
using TinyMllm.Tests.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Special tokens and picture markers that a user types are words: they end no turn, begin none and show no picture.</summary>
public sealed class TypedSpecialTokenTests
{
    private static readonly string[] Control =
    [
        "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<end_of_utterance>", "<image>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>",
        "<s>", "</s>", "[INST]", "[/INST]", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>",
        "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>",
        "<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>", "<fake_token_around_image>", "<row_1_col_1>",
    ];

    private static readonly Tokenizer Tokenizer = new(TestVocabulary.BytePair("gpt-2", [], Control) with { Bos = 256 + 8, Eos = 256 + 9 });

    private static IEnumerable<string> Templates =>
        Directory.GetFiles(Golden.Path("chat_templates"), "*.jinja").Select(file => Path.GetFileNameWithoutExtension(file)!).Concat(ChatTemplate.BuiltInNames)
            .Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Templates))]
    public void Nothing_that_is_typed_counts(string name)
    {
        ChatTemplate template = Template(name);
        (string harmless, _) = Specials(template, "tell me", "more");
        foreach (string typed in Control.Append(ChatTemplate.ImageMarker))
        {
            (string specials, string text) = Specials(template, $"tell {typed}me{typed} ", $"{typed} more {typed}");
            Assert.That(specials, Is.EqualTo(harmless), typed);
            Assert.That(text, Does.Contain($"tell {typed}me{typed}").And.Contain($"{typed} more {typed}"), "every character reaches the model");
            (specials, _) = Specials(template, "tell " + typed[..^2], typed[^2..] + " me");
            Assert.That(specials, Is.EqualTo(harmless), $"{typed} in two parts");
        }
    }

    [Test]
    public void Pictures_keep_their_places_beside_typed_markers()
    {
        GuardedText prompt = Template("smolvlm").RenderGuarded([TurnMessage.User("<image>", ChatPart.Image, $"or {ChatTemplate.ImageMarker}?")]);
        IReadOnlyList<GuardedText> parts = prompt.Split(ChatTemplate.ImageMarker);
        Assert.That(parts.Select(part => part.Text), Is.EqualTo(new[]
        {
            "<|im_start|>User: <image>", $"or {ChatTemplate.ImageMarker}?<end_of_utterance>\nAssistant:",
        }));
    }

    [Test]
    public void Tools_and_their_results_cannot_end_a_turn()
    {
        ChatTemplate qwen = Template("qwen3");
        GuardedText Prompt(string text) => qwen.RenderGuarded(
        [
            TurnMessage.User("Weather?"),
            new(TurnRole.Assistant, "") { ToolCalls = [new ChatToolCall("1", "weather", $$"""{"city{{text}}":["{{text}}"]}""")], Reasoning = text },
            new(TurnRole.Tool, text) { ToolCallId = text, ToolName = text },
        ], new ChatRenderOptions { Tools = [new ChatTool("weather", text, $$"""{"type":"object","description":"{{text}}"}""")] });
        Assert.That(Specials(Prompt("\\u003c|im_end|>")), Is.EqualTo(Specials(Prompt("x"))), "escaped in JSON");
        Assert.That(Specials(Prompt("<|im_end|>")), Is.EqualTo(Specials(Prompt("x"))));
        Assert.That(Prompt("<|im_end|>").Text, Does.Contain("<tool_response>\n<|im_end|>\n</tool_response>"));
    }

    [TestCaseSource(nameof(Templates))]
    public void Nothing_that_a_tool_says_counts_in_any_template(string name)
    {
        ChatTemplate template = Template(name);
        GuardedText Prompt(string text)
        {
            string json = JsonSerializer.Serialize(text);
            return template.RenderGuarded(
            [
                TurnMessage.User("Weather?"),
                new(TurnRole.Assistant, "") { ToolCalls = [new ChatToolCall("call00000", "weather", $$"""{"city":["go {{text}}"],"land":{{json}}}""")] },
                new(TurnRole.Tool, text) { ToolCallId = "call00000" },
            ], new ChatRenderOptions { Tools = [new ChatTool("weather", text, $$"""{"type":"object","description":{{json}}}""")], Now = DateTime.UnixEpoch });
        }

        string harmless = Specials(Prompt("x"));
        foreach (string typed in Control.Append(ChatTemplate.ImageMarker))
            Assert.That(Specials(Prompt(typed)), Is.EqualTo(harmless), typed);
    }

    [Test]
    public void Words_without_special_tokens_are_tokenised_as_ever()
    {
        foreach (string words in new[] { "a < b", "[1] <", "<|", "x", "", "<imag", "\uFDD0" })
        {
            GuardedText prompt = Template("phi4").RenderGuarded([TurnMessage.User(words)]);
            Assert.That(Tokenizer.Encode(prompt, addSpecial: false), Is.EqualTo(Tokenizer.Encode(prompt.Text, false, parseSpecial: true)), words);
        }
    }

    [Test]
    public void Guards_count_characters_and_split_with_the_text()
    {
        var text = GuardedText.Read("né\uFDD0<\uFDD0\uFDD0s>\U0001F600<\uFDD0/s>");
        Assert.That((text.Text, string.Join(' ', text.Guards)), Is.EqualTo(("né<s>\U0001F600</s>", "2 3 8")));
        Assert.That(Tokenizer.Encode(text, false).Max(), Is.LessThan(256), "no control token");
        Assert.That(text.Split("<s>"), Has.Count.EqualTo(1));
        Assert.That(text.Split("<").Select(part => (part.Text, string.Join(' ', part.Guards))),
            Is.EqualTo(new[] { ("né", ""), ("s>\U0001F600", ""), ("/s>", "") }));
        Assert.That(Tokenizer.Encode(GuardedText.FromTemplate("</s>"), false), Is.EqualTo(new[] { Tokenizer.Eos }));
    }

    private static (string Specials, string Text) Specials(ChatTemplate template, string first, string second)
    {
        GuardedText prompt = template.RenderGuarded([TurnMessage.System(first), TurnMessage.User(first, second), TurnMessage.Assistant(second), TurnMessage.User(second)]);
        return (Specials(prompt), prompt.Text);
    }

    private static string Specials(GuardedText prompt) => string.Join(' ',
        prompt.Split(ChatTemplate.ImageMarker).SelectMany(part => Tokenizer.Encode(part, addSpecial: false).Where(id => id >= 256).Append(-1)));

    private static ChatTemplate Template(string name)
    {
        string file = Path.Combine(Golden.Path("chat_templates"), name + ".jinja");
        return ChatTemplate.Load(ModelDefaultsTests.Metadata(), Tokenizer, File.Exists(file) ? File.ReadAllText(file) : name);
    }
}
