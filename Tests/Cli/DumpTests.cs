using System.Text.Json;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary><c>tinymllm dump</c> against the goldens: the same files, the same fields, the same numbers.</summary>
[TestFixture]
public sealed class DumpTests
{
    private const float PixelTolerance = 0.0079f;
    private const float Exact = 1e-4f;

    private string _folder = "";

    [SetUp]
    public void SetUp() => _folder = Path.Combine(Path.GetTempPath(), "tinymllm-dump-" + Guid.NewGuid().ToString("N"));

    [TearDown]
    public void TearDown()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [TestCase("idefics3_single")]
    [TestCase("idefics3_tiles")]
    [TestCase("qwen2vl")]
    [TestCase("gemma3")]
    public async Task APictureGoldenIsMet(string name)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Golden.Path($"vlm/{name}/expected.json")));
        JsonElement root = expected.RootElement;
        int steps = root.GetProperty("greedy").GetArrayLength() - 1;
        string[] images = [.. root.GetProperty("images").EnumerateArray()
            .SelectMany(image => new[] { "--image", Golden.Path($"vlm/{name}/{image.GetProperty("file").GetString()}") })];
        Tool.Result result = await Tool.RunAsync(
        [
            "dump", "-m", Golden.Path($"vlm/{name}/model.gguf"), "--mmproj", Golden.Path($"vlm/{name}/mmproj.gguf"), .. images, "--raw",
            "-p", root.GetProperty("prompt").GetString()!, "--greedy", $"{steps}", "--kv-type", "f32", "--compat", "llama.cpp", "--out",
                _folder,
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);

        using var dumped = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "dump.json")));
        foreach (string field in new[] { "n_past", "greedy", "logits" })
            Assert.That(Compact(dumped.RootElement.GetProperty(field)), Is.EqualTo(Compact(root.GetProperty(field))), field);
        JsonElement[] chunks = [.. dumped.RootElement.GetProperty("chunks").EnumerateArray()];
        JsonElement[] wanted = [.. root.GetProperty("chunks").EnumerateArray()];
        Assert.That(chunks, Has.Length.EqualTo(wanted.Length));
        for (int i = 0; i < chunks.Length; i++) CompareChunk(name, chunks[i], wanted[i]);
        Compare($"vlm/{name}/logits", "logits.npy", Exact * Deviation($"vlm/{name}/logits"));
    }

    [TestCase("llama", "f32")]
    [TestCase("llama", "f16")]
    [TestCase("llama_yarn", "f32")]
    public async Task ATextGoldenIsMet(string name, string kvType)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Golden.Path($"llm/{name}/expected.json")));
        int[] greedy = [.. expected.RootElement.GetProperty("greedy").EnumerateArray().Select(item => item.GetInt32())];
        string tokens = string.Join(",", expected.RootElement.GetProperty("tokens").EnumerateArray().Select(item => item.GetInt32()));
        Tool.Result result = await Tool.RunAsync(
            "dump", "-m", Golden.Path($"llm/{name}/model.gguf"), "--tokens", tokens, "--greedy", $"{greedy.Length - 1}", "-c", "256",
                "--kv-type", kvType, "--out", _folder);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var dumped = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "dump.json")));
        Assert.That(dumped.RootElement.GetProperty("greedy").EnumerateArray().Select(item => item.GetInt32()), Is.EqualTo(greedy));

        // The goldens' own run with an F16 cache departs by up to 2e-2.
        Compare($"llm/{name}/logits", "logits.npy", kvType == "f16" ? 2e-2f : Exact * Deviation($"llm/{name}/logits"));
    }

    [Test]
    public async Task TheChatTemplateIsAppliedWithoutRaw()
    {
        Tool.Result result = await Tool.RunAsync(
            "dump", "-m", Tool.DemoModel, "--mmproj", Tool.DemoProjector, "--image", Tool.Sample("pizza.png"), "-p", "What is this?",
                "--out", _folder);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(Directory.GetFiles(_folder).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "dump.json", "embd_00.npy", "logits.npy", "pixels_00.npy" }));
    }

    [TestCase("--tokens", "1", "-p", "both")]
    [TestCase("--tokens", "1,x")]
    [TestCase("--tokens", "99999999")]
    [TestCase]
    public async Task BadPromptsAreRefused(params string[] prompt)
    {
        Tool.Result result = await Tool.RunAsync(["dump", "-m", Tool.DemoModel, .. prompt, "--out", _folder]);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines.Count(line => line.StartsWith("error: ", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    private void CompareChunk(string name, JsonElement chunk, JsonElement wanted)
    {
        foreach (JsonProperty property in wanted.EnumerateObject())
        {
            if (property.Name != "pixels_png")
            {
                Assert.That(Compact(chunk.GetProperty(property.Name)), Is.EqualTo(Compact(property.Value)),
                        property.Name);
            }
        }

        if (wanted.GetProperty("type").GetString() != "image") return;
        string embeddings = wanted.GetProperty("embd").GetString()!, pixels =
            wanted.GetProperty("pixels")[0].GetProperty("file").GetString()!;
        Compare($"vlm/{name}/{Path.GetFileNameWithoutExtension(embeddings)}", embeddings,
            Exact * Deviation($"vlm/{name}/{Path.GetFileNameWithoutExtension(embeddings)}"));
        Compare($"vlm/{name}/{Path.GetFileNameWithoutExtension(pixels)}", pixels, PixelTolerance);
    }

    private void Compare(string golden, string dumped, float tolerance)
    {
        Npy actual = Npy.Load(Path.Combine(_folder, dumped)), expected = Load(golden);
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape), dumped);
        float[] a = actual.Floats, e = expected.Floats;
        float worst = 0;
        for (int i = 0; i < a.Length; i++) worst = Math.Max(worst, Math.Abs(a[i] - e[i]));
        Assert.That(worst, Is.LessThanOrEqualTo(tolerance), dumped);
    }

    private static float Deviation(string golden)
    {
        float[] values = Load(golden).Floats;
        double mean = values.Average(value => (double)value);
        return (float)Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }

    /// <summary>The numbers with GELU in float32 where there are some, else the plain ones.</summary>
    private static Npy Load(string golden)
    {
        foreach (string suffix in new[] { ".exact_gelu.npy", ".npy" })
        {
            string path = Path.Combine(Golden.Path(Path.GetDirectoryName(golden)!), Path.GetFileName(golden) + suffix);
            if (File.Exists(path)) return Npy.Load(path);
        }

        throw new FileNotFoundException(golden);
    }

    private static string Compact(JsonElement element) => string.Concat(element.GetRawText().Where(c => !char.IsWhiteSpace(c)));
}
