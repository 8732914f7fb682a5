using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>
/// Families without a golden of their own whose arithmetic is that of one that has: its file is rewritten under their name and must give
/// its numbers.
/// </summary>
public sealed class DerivedFamilyTests
{
    private string _path = "";

    [SetUp]
    public void MakePath() => _path = Path.Combine(Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():N}.gguf");

    [TearDown]
    public void Remove() => File.Delete(_path);

    [Test]
    public void LightOnOcrIsPixtralWithoutRowBreaks()
    {
        var golden = VlmGolden.Open("pixtral_merge");
        using GgufFile file = Rewrite(golden, "lightonocr", ("clip.vision.preproc_image_size", 64));
        using var model = VisionModel.Load(file, golden.Options);
        (float[] actual, float[] stored) = Encode(model, golden, file);
        const int columns = 6, rows = 8; // 48×64 pixels, 8 pixels per merged patch
        int width = model.EmbeddingLength;
        float[] expected = [.. Enumerable.Range(0, rows).SelectMany(row => stored.Skip(row * (columns + 1) * width).Take(columns * width))];
        Assert.That(actual, Has.Length.EqualTo(expected.Length));
        Assert.That(VisionGoldenTests.MaxDifference(actual, expected), Is.LessThan(1e-4));
    }

    [Test]
    public void Phi4IsLlavaWithSigLipWhoseGridIsThatOfItsTable()
    {
        var golden = VlmGolden.Open("llava_siglip");
        // The golden ran one block less than stored.
        using GgufFile file = Rewrite(golden, "phi4",
            ("clip.vision.block_count", 2), ("clip.vision.image_min_pixels", 48 * 48), ("clip.vision.image_max_pixels", 48 * 48));
        using var model = VisionModel.Load(file, golden.Options);
        (float[] actual, float[] expected) = Encode(model, golden, file);
        Assert.That(VisionGoldenTests.MaxDifference(actual, expected), Is.LessThan(1e-4));
    }

    private GgufFile Rewrite(VlmGolden golden, string projector, params (string Key, int Value)[] keys)
    {
        using var source = GgufFile.Open(golden.Mmproj);
        var writer = new GgufWriter();
        foreach ((string key, GgufValue value) in source.Metadata.Entries) writer.Set(key, value);
        writer.Set("clip.projector_type", GgufValue.From(projector));
        foreach ((string key, int value) in keys) writer.Set(key, GgufValue.From((uint)value));
        foreach (StoredTensor tensor in source.Tensors) writer.Add(tensor);
        writer.Save(_path);
        return GgufFile.Open(_path);
    }

    private static (float[] Actual, float[] Expected) Encode(VisionModel model, VlmGolden golden, GgufFile file)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        JsonElement chunk = golden.ImageChunks.Single();
        int columns = chunk.GetProperty("pixels")[0].GetProperty("nx").GetInt32(), rows = chunk.GetProperty("pixels")[0].GetProperty("ny").GetInt32();
        ImageTile tile = VisionGoldenTests.WithPixels(new ImageTile([], new(columns, rows)), golden.Pixels(chunk), file.Metadata);
        return (VisionGoldenTests.Encode(model, workspace, tile), golden.Array(chunk.GetProperty("embd").GetString()!, out _).Floats);
    }
}
