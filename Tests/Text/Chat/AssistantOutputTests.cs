using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.Tests.Text.Chat;

public class AssistantOutputTests
{
    [TestCase("Hello.", "Hello.", "", "")]
    [TestCase("<think>\nHm.\n</think>\n\nHello.", "Hello.", "Hm.", "")]
    [TestCase("\n<think>Hm.</think>Hello <b>you</b>.", "Hello <b>you</b>.", "Hm.", "")]
    [TestCase("<think>never ends", "", "never ends", "")]
    [TestCase("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "", "", "f({\"a\": 1})")]
    [TestCase("I look.\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>", "I look.", "", "f({}) g({})")]
    [TestCase("<think>a</think><tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 2}\"}</tool_call> done", "done", "a", "f({\"x\": 2})")]
    [TestCase("<tool_call>{\"name\": \"f\", \"arguments\": {}}", "", "", "f({})", Description = "the end tag is a special token that was not printed")]
    [TestCase("<tool_call>not json</tool_call>", "<tool_call>not json</tool_call>", "", "")]
    [TestCase("{\"name\": \"f\", \"parameters\": {\"q\": \"x\"}}", "", "", "f({\"q\": \"x\"})")]
    [TestCase("<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", "", "", "f({})")]
    [TestCase("{\"answer\": 42}", "{\"answer\": 42}", "", "")]
    [TestCase("{ not json", "{ not json", "", "")]
    [TestCase("[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": [1]}, \"id\": \"abcdefghi\"}, {\"name\": \"g\", \"arguments\": {}}]", "", "", "f({\"a\": [1]}) g({})")]
    [TestCase("[TOOL_CALLS]f{\"a\": 1}[TOOL_CALLS]g[ARGS]{}", "", "", "f({\"a\": 1}) g({})")]
    [TestCase("<|tool_call|>[{\"name\": \"f\", \"arguments\": {}}]", "", "", "f({})")]
    [TestCase("a < b and [x] <thing> <tool", "a < b and [x] <thing> <tool", "", "")]
    public void Parts_are_told_apart_however_the_text_arrives(string answer, string text, string reasoning, string calls)
    {
        foreach (int size in new[] { 1, 3, 7, answer.Length })
        {
            var parser = new AssistantOutputParser();
            List<AssistantSegment> segments = [];
            foreach (char[] chunk in answer.Chunk(size)) segments.AddRange(parser.Append(new string(chunk)));
            segments.AddRange(parser.Finish());
            string Of(AssistantSegmentKind kind) => string.Concat(segments.Where(s => s.Kind == kind).Select(s => s.Text)).Trim();
            Assert.That((Of(AssistantSegmentKind.Text), Of(AssistantSegmentKind.Reasoning)), Is.EqualTo((text, reasoning)), $"chunks of {size}");
            Assert.That(string.Join(' ', segments.Where(s => s.ToolCall is not null).Select(s => $"{s.ToolCall!.Name}({s.ToolCall.ArgumentsJson})")), Is.EqualTo(calls));
            Assert.That(segments.Where(s => s.ToolCall is not null).Select(s => s.ToolCall!.Id), Is.Unique);
        }
    }

    [Test]
    public void Without_tools_nothing_is_taken_for_a_call() =>
        Assert.That(AssistantOutputParser.Parse("""{"name": "f", "parameters": {}}""", expectTools: false).Text, Is.EqualTo("""{"name": "f", "parameters": {}}"""));

    [Test]
    public void Thinking_may_have_begun_in_the_prompt() =>
        Assert.That(AssistantOutputParser.Parse("Hm.</think>Yes.", startsThinking: true), Has.Property("Reasoning").EqualTo("Hm.").And.Property("Text").EqualTo("Yes."));

    [Test]
    public void Text_is_handed_out_as_soon_as_it_is_certain()
    {
        var parser = new AssistantOutputParser();
        Assert.That(parser.Append("Hello <t"), Is.EqualTo(new[] { new AssistantSegment(AssistantSegmentKind.Text, "Hello ") }));
        Assert.That(parser.Append("able>"), Is.EqualTo(new[] { new AssistantSegment(AssistantSegmentKind.Text, "<table>") }));
    }
}
