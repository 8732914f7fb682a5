using System.Buffers.Binary;
using System.Text;
using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>
/// mmproj files that lack a tensor, have one of another shape, or an impossible key: a typed exception with one line, or a model that
/// works.
/// </summary>
public sealed class BrokenMmprojTests
{
    private static readonly string[] Names =
        ["idefics3_single", "llava_clip", "mlp_norm", "ldp", "qwen25vl", "qwen3vl", "internvl", "minicpmv46", "pixtral_merge", "glm_edge", "paddleocr"];

    private string _path = "";

    [SetUp]
    public void MakePath() => _path = Path.Combine(Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():N}.gguf");

    [TearDown]
    public void Remove() => File.Delete(_path);

    [TestCaseSource(nameof(Names))]
    public void MissingTensorsAreNamedOrNotNeeded(string name)
    {
        foreach (string tensor in TensorNames(name))
        {
            byte[] file = File.ReadAllBytes(VlmGolden.Open(name).Mmproj);
            file[NameEnd(file, tensor) - 1] ^= 1; // now it is called something else
            Check(file, tensor, mayWork: true);
        }
    }

    [TestCaseSource(nameof(Names))]
    public void WrongShapesAreNamed(string name)
    {
        foreach (string tensor in TensorNames(name))
        {
            byte[] file = File.ReadAllBytes(VlmGolden.Open(name).Mmproj);
            int dimensions = NameEnd(file, tensor) + sizeof(int);
            long first = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(dimensions));
            BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(dimensions), first - 1);
            Check(file, tensor, mayWork: false);
        }
    }

    [TestCase("clip.vision.patch_size", 0)]
    [TestCase("clip.vision.patch_size", 5)]
    [TestCase("clip.vision.patch_size", 60000)]
    [TestCase("clip.vision.embedding_length", 0)]
    [TestCase("clip.vision.embedding_length", 47)]
    [TestCase("clip.vision.embedding_length", int.MaxValue)]
    [TestCase("clip.vision.attention.head_count", 0)]
    [TestCase("clip.vision.attention.head_count", 7)]
    [TestCase("clip.vision.block_count", 0)]
    [TestCase("clip.vision.block_count", 3)]
    [TestCase("clip.vision.block_count", int.MaxValue)]
    [TestCase("clip.vision.image_size", 36)]
    [TestCase("clip.vision.image_size", int.MaxValue)]
    [TestCase("clip.vision.projector.scale_factor", 0)]
    [TestCase("clip.vision.projector.scale_factor", 3)]
    [TestCase("clip.vision.preproc_image_size", int.MaxValue)]
    public void ImpossibleKeysAreNamed(string key, int value)
    {
        byte[] file = File.ReadAllBytes(VlmGolden.Open("idefics3_single").Mmproj);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(NameEnd(file, key) + sizeof(int)), value);
        Check(file, key, mayWork: false);
    }

    [Test]
    public void AnUnknownProjectorIsNamed()
    {
        byte[] file = File.ReadAllBytes(VlmGolden.Open("idefics3_single").Mmproj);
        file[NameEnd(file, "idefics3") - 1] = (byte)'9';
        File.WriteAllBytes(_path, file);
        using var open = GgufFile.Open(_path);
        Assert.That(VisionModel.Supports(open, out string reason), Is.False);
        Assert.That(reason, Does.Contain(_path).And.Contain("clip.projector_type").And.Contain("idefics9").And.Contain("idefics3"));
    }

    [Test]
    public void ATextModelIsNotAVisionModel()
    {
        using var text = GgufFile.Open(VlmGolden.Open("idefics3_single").Model);
        Assert.That(VisionModel.Supports(text, out string reason), Is.False);
        Assert.That(reason, Does.Contain("clip.has_vision_encoder").And.Contain("mmproj"));
    }

    private static string[] TensorNames(string name)
    {
        using var file = GgufFile.Open(VlmGolden.Open(name).Mmproj);
        return [.. file.Tensors.Select(tensor => tensor.Name).Where(tensor => !tensor.StartsWith("v.blk.", StringComparison.Ordinal)
            || tensor.StartsWith("v.blk.1.", StringComparison.Ordinal))];
    }

    /// <summary>Where the bytes of a length-prefixed name end.</summary>
    private static int NameEnd(byte[] file, string name)
    {
        byte[] prefixed = [.. BitConverter.GetBytes((long)name.Length), .. Encoding.UTF8.GetBytes(name)];
        int start = file.AsSpan().IndexOf(prefixed);
        Assert.That(start, Is.GreaterThan(0), name);
        return start + prefixed.Length;
    }

    private void Check(byte[] bytes, string subject, bool mayWork)
    {
        File.WriteAllBytes(_path, bytes);
        Exception? error = null;
        try
        {
            using var file = GgufFile.Open(_path);
            using var model = VisionModel.Load(file, new VisionOptions { Compatibility = Compatibility.LlamaCpp });
        }
        catch (Exception problem)
        {
            error = problem;
        }

        if (error is null)
        {
            Assert.That(mayWork, Is.True, $"{subject}: loaded");
            return;
        }

        Assert.That(error, Is.TypeOf<GgufFormatException>().Or.TypeOf<UnsupportedModelException>(), $"{subject}: {error}");
        Assert.That(error.Message, Does.Contain(_path).And.Not.Contain("\n"), subject);
    }
}
