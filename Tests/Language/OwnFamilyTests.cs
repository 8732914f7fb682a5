using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Language;

/// <summary>Families that an app adds compute what the built-in ones of the same form do, bit for bit.</summary>
[TestFixture]
public sealed class OwnFamilyTests
{
    private static IEnumerable<TestCaseData> Descriptions =>
    [
        new TestCaseData("llm/qwen3", "qwen3", new DecoderDescription { QueryKeyNorm = QueryKeyNorm.RmsPerHead }).SetArgDisplayNames("qwen3"),
        new TestCaseData("llm/qwen3moe", "qwen3moe", new DecoderDescription { QueryKeyNorm = QueryKeyNorm.RmsPerHead }).SetArgDisplayNames("qwen3moe"),
        new TestCaseData("llm/llama_rope_factors", "llama", new DecoderDescription { Rotary = RotaryPairing.Adjacent, ReadsRotaryFactors = true })
            .SetArgDisplayNames("llama"),
    ];

    [TestCaseSource(nameof(Descriptions))]
    public void ADescribedDecoderIsTheBuiltInOne(string folder, string architecture, DecoderDescription description)
    {
        string own = $"own_{architecture}";
        using GgufCopyOf renamed = new(Golden.Path(folder + "/model.gguf"), architecture, own);
        using (var unknown = GgufFile.Open(renamed.Path)) Assert.That(LanguageModel.Supports(unknown, out _), Is.False);
        ModelFamilies.AddLanguage(own, description);
        Assert.That(Logits(renamed.Path), Is.EqualTo(Logits(Golden.Path(folder + "/model.gguf"))));
        Assert.That(ModelFamilies.Architectures, Does.Contain(own).And.Contain(architecture).And.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(() => ModelFamilies.AddLanguage(own, description), Throws.ArgumentException);
    }

    [Test]
    public void AnotherNameIsTheSameFamily()
    {
        using GgufCopyOf renamed = new(Golden.Path("llm/gemma2/model.gguf"), "gemma2", "own_gemma2");
        ModelFamilies.AddLanguage("own_gemma2", like: "gemma2");
        Assert.That(Logits(renamed.Path), Is.EqualTo(Logits(Golden.Path("llm/gemma2/model.gguf"))));

        using var projector = new GgufCopy(Golden.Path("vlm/llava_clip/mmproj.gguf"));
        projector.Set("clip.projector_type", GgufValue.From("own_projector")).Save();
        using var file = GgufFile.Open(projector.Path);
        Assert.That(VisionModel.Supports(file, out _), Is.False);
        ModelFamilies.AddVision("own_projector", like: "mlp");
        Assert.That(VisionModel.Supports(file, out string reason), reason);
        Assert.That(ModelFamilies.ProjectorTypes, Does.Contain("own_projector"));
    }

    [Test]
    public void WhatIsKnownIsNotReplaced()
    {
        Assert.That(() => ModelFamilies.AddLanguage("llama", new DecoderDescription()), Throws.ArgumentException);
        Assert.That(() => ModelFamilies.AddLanguage("own_x", like: "nothing"), Throws.ArgumentException);
        Assert.That(() => ModelFamilies.AddVision("mlp", like: "idefics3"), Throws.ArgumentException);
        Assert.That(() => ModelFamilies.AddVision("own_y", like: "nothing"), Throws.ArgumentException);
    }

    private static float[] Logits(string path)
    {
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        using var file = GgufFile.Open(path);
        using var model = LanguageModel.Load(file);
        using KvCache cache = model.CreateCache(64);
        var logits = new float[model.VocabularySize];
        model.Forward(workspace, cache, Batch.Text([1, 5, 9, 2, 7], 0), logits);
        return logits;
    }

    /// <summary>A file under another architecture's name.</summary>
    private sealed class GgufCopyOf : IDisposable
    {
        public GgufCopyOf(string original, string from, string to)
        {
            using var file = GgufFile.Open(original);
            var writer = new GgufWriter();
            foreach ((string key, GgufValue value) in file.Metadata.Entries)
                writer.Set(key.StartsWith(from + ".", StringComparison.Ordinal) ? to + key[from.Length..] : key, value);
            writer.Set("general.architecture", GgufValue.From(to));
            foreach (StoredTensor tensor in file.Tensors) writer.Add(tensor);
            writer.Save(Path);
        }

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():n}.gguf");

        public void Dispose() => File.Delete(Path);
    }
}
