using System.Globalization;
using System.Text.Json;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>Every case of the goldens: real templates, rendered by Jinja2 and llama.cpp.</summary>
public class ChatTemplateGoldenTests
{
    [TestCaseSource(nameof(Cases))]
    public void Prompt_is_the_references(string template, JsonElement golden)
    {
        var tokens = new ChatTokens(golden.GetProperty("bos_token").GetString()!, golden.GetProperty("eos_token").GetString()!);
        var options = new ChatRenderOptions
        {
            AddGenerationPrompt = golden.GetProperty("add_generation_prompt").GetBoolean(),
            // llama.cpp defines the variable for every template, as true unless a case says otherwise.
            Variables = new Dictionary<string, JsonElement>
            {
                ["enable_thinking"] = golden.TryGetProperty("enable_thinking", out JsonElement thinking) ? thinking : JsonElement.Parse("true"),
            },
            Now = DateTime.Parse(golden.GetProperty("now").GetString()!, CultureInfo.InvariantCulture),
        };
        var chat = ChatTemplate.Parse(template, tokens);
        Assert.That(chat.BuiltInName, Is.Null);
        Assert.That(chat.Render([.. golden.GetProperty("messages").EnumerateArray().Select(Message)], options), Is.EqualTo(golden.GetProperty("prompt").GetString()));
    }

    private static TurnMessage Message(JsonElement message)
    {
        var role = Enum.Parse<TurnRole>(message.GetProperty("role").GetString()!, ignoreCase: true);
        JsonElement content = message.GetProperty("content");
        return content.ValueKind == JsonValueKind.String
            ? new TurnMessage(role, content.GetString()!)
            : new TurnMessage(role, content.EnumerateArray().Select(part => ChatPart.FromText(part.GetProperty("text").GetString()!)));
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (string file in Directory.GetFiles(Golden.Path("chat_templates"), "*.json").Order(StringComparer.Ordinal))
        {
            string template = File.ReadAllText(Path.ChangeExtension(file, ".jinja"));
            foreach (JsonElement golden in JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray())
            {
                yield return new TestCaseData(template, golden)
                    .SetName($"{Path.GetFileNameWithoutExtension(file)}: {golden.GetProperty("name").GetString()}");
            }
        }
    }
}
