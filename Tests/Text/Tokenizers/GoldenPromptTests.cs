using System.Text.Json;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>The prompts of the vision goldens: special tokens parsed, text between pictures cut on its own.</summary>
public sealed class GoldenPromptTests
{
    private const string Marker = "<__media__>";

    private static string[] Folders => Golden.Folders("vlm");

    [TestCaseSource(nameof(Folders))]
    public void Text_around_pictures_gives_the_golden_ids(string folder)
    {
        using var file = GgufFile.Open(Golden.Path($"vlm/{folder}/model.gguf"));
        var tokenizer = Tokenizer.Load(file.Metadata);
        using var expected = JsonDocument.Parse(File.ReadAllText(Golden.Path($"vlm/{folder}/expected.json")));
        string prompt = expected.RootElement.GetProperty("prompt").GetString()!;
        int[][] texts =
        [
            .. expected.RootElement.GetProperty("chunks").EnumerateArray().Where(chunk => chunk.GetProperty("type").GetString() == "text")
                .Select(chunk => chunk.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32()).ToArray()),
        ];

        // Families put tokens of their own around a picture: those follow the text before it and precede the text after it.
        int[] before = tokenizer.Encode(prompt[..prompt.IndexOf(Marker, StringComparison.Ordinal)], true, true);
        int[] after = tokenizer.Encode(prompt[(prompt.LastIndexOf(Marker, StringComparison.Ordinal) + Marker.Length)..], false, true);
        Assert.Multiple(() =>
        {
            Assert.That(texts[0].Take(before.Length), Is.EqualTo(before));
            Assert.That(texts[^1].TakeLast(after.Length), Is.EqualTo(after));
            Assert.That(before, tokenizer.AddBos ? Has.Length.AtLeast(1) : Has.None.EqualTo(tokenizer.Bos));
        });
    }
}
