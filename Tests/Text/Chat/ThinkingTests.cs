using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Whether a prompt has the model think, and what of an answer are thoughts.</summary>
public class ThinkingTests
{
    /// <summary>As DeepSeek R1 and the thinking-only Qwen3: the template opens the thoughts and has no switch.</summary>
    private const string AlwaysThinks = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";

    /// <summary>As LFM2.5: the model may think by itself.</summary>
    private const string ThinksByItself = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    [TestCase("qwen3", null, "assistant\n")]
    [TestCase("qwen3", true, "assistant\n")]
    [TestCase("qwen3", false, "assistant\n<think>\n\n</think>\n\n")]
    [TestCase("minicpm5", null, "assistant\n", Description = "the variable is not defined, so the template does not decide")]
    [TestCase("minicpm5", true, "assistant\n<think>\n")]
    [TestCase("minicpm5", false, "assistant\n<think>\n\n</think>\n\n")]
    [TestCase("smollm3", null, "assistant\n")]
    [TestCase("smollm3", false, "assistant\n<think>\n\n</think>\n")]
    [TestCase(AlwaysThinks, null, "assistant\n<think>\n")]
    [TestCase(AlwaysThinks, true, "assistant\n<think>\n")]
    [TestCase(AlwaysThinks, false, "assistant\n<think>\n\n</think>\n\n")]
    [TestCase(ThinksByItself, null, "assistant\n")]
    [TestCase(ThinksByItself, false, "assistant\n<think>\n\n</think>\n\n")]
    [TestCase("qwen2.5", false, "assistant\n", Description = "it does not think")]
    [TestCase("gemma-2", false, "<start_of_turn>model\n")]
    public void The_prompt_ends_as_asked(string template, bool? thinking, string end) =>
        Assert.That(Template(template).Render([TurnMessage.User("Hi")], new ChatRenderOptions { EnableThinking = thinking }), Does.EndWith(end));

    [Test]
    public void Without_a_wish_the_template_sees_no_switch()
    {
        var template = ChatTemplate.Parse("{{ messages[0].content }} {{ enable_thinking is defined }} {{ thinking is defined }} {{ enable_thinking }}");
        string Render(bool? thinking) => template.Render([TurnMessage.User("a")], new ChatRenderOptions { EnableThinking = thinking, AddGenerationPrompt = false });
        Assert.That((Render(null), Render(true), Render(false)), Is.EqualTo(("a False False ", "a True True True", "a True True False")));
    }

    [Test]
    public void Granites_own_switch_is_known()
    {
        string Prompt(bool? thinking) => Template("granite-3.3").Render([TurnMessage.User("a")], new ChatRenderOptions { EnableThinking = thinking, Now = DateTime.UnixEpoch });
        Assert.That(Prompt(true), Does.Contain("<think></think>"));
        Assert.That(Prompt(null), Does.Not.Contain("<think>"));
        Assert.That(Prompt(false), Is.EqualTo(Prompt(null)));
    }

    [TestCase(AlwaysThinks, "Hm.</think>\n\nYes.", "Hm.", "Yes.")]
    [TestCase(AlwaysThinks, "never ends", "never ends", "")]
    [TestCase("qwen3", "<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes.")]
    [TestCase("qwen3", "First <think>Hm.</think>yes.", "Hm.", "First yes.", Description = "a model that thinks may do so late")]
    [TestCase("granite-3.3", "<think>Hm.</think><response>Yes.</response>", "Hm.", "Yes.")]
    [TestCase("qwen2.5", "<think>Hm.</think>Yes.", "Hm.", "Yes.", Description = "a fine-tune that kept its parent's template")]
    [TestCase("qwen2.5", "The tag <think> opens </think> closes.", "", "The tag <think> opens </think> closes.", Description = "words about tags")]
    [TestCase("{{ messages[0].content }}◁think▷", "Hm.◁/think▷Yes.", "Hm.", "Yes.")]
    [TestCase("{{ messages[0].content }}{# ◁think▷ #}", "◁think▷Hm.◁/think▷Yes.", "Hm.", "Yes.")]
    [TestCase("{{ messages[0].content }}{# [THINK] #}", "[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes.")]
    [TestCase("{{ messages[0].content }}{# <|channel>thought #}", "<|channel>thought\nHm.<channel|>Yes.", "Hm.", "Yes.")]
    public void Thoughts_are_told_from_the_answer(string template, string answer, string reasoning, string text)
    {
        ChatTemplate chat = Template(template);
        string prompt = chat.Render([TurnMessage.User("a")]);
        foreach (int size in new[] { 1, 3, answer.Length })
        {
            AssistantOutputParser parser = chat.CreateParser(prompt);
            List<AssistantSegment> segments = [];
            foreach (char[] chunk in answer.Chunk(size)) segments.AddRange(parser.Append(new string(chunk)));
            segments.AddRange(parser.Finish());
            string Of(AssistantSegmentKind kind) => string.Concat(segments.Where(s => s.Kind == kind).Select(s => s.Text)).Trim();
            Assert.That((Of(AssistantSegmentKind.Reasoning), Of(AssistantSegmentKind.Text)), Is.EqualTo((reasoning, text)), $"chunks of {size}");
        }
    }

    [Test]
    public void Earlier_thoughts_reach_templates_that_keep_them() =>
        Assert.That(Template("qwen3").Render([TurnMessage.User("a"), new(TurnRole.Assistant, "b") { Reasoning = "Hm." }], new ChatRenderOptions { AddGenerationPrompt = false }),
            Does.EndWith("<|im_start|>assistant\n<think>\nHm.\n</think>\n\nb<|im_end|>\n"));

    private static ChatTemplate Template(string name)
    {
        string file = Path.Combine(Golden.Path("chat_templates"), name + ".jinja");
        return ChatTemplate.Parse(name.Contains('{') ? name : File.Exists(file) ? File.ReadAllText(file) : name);
    }
}
