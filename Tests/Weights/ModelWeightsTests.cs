using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Engine;
using TinyMllm.Tests.Vision;
using TinyMllm.Vision;
using TinyMllm.Weights;

namespace TinyMllm.Tests.Weights;

/// <summary>Files are described and checked before any weight is read, text and vision alike.</summary>
public sealed unsafe class ModelWeightsTests
{
    private string _path = "";

    [SetUp]
    public void MakePath() => _path = Path.Combine(Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():N}.gguf");

    [TearDown]
    public void Remove() => File.Delete(_path);

    /// <summary>Layers note what is no number in the weights that they read: where nothing is noted, nothing was read.</summary>
    [Test]
    public void JudgingALanguageModelReadsNoWeights()
    {
        using GgufFile file = WithNaN(VlmGolden.Open("idefics3_single").Model, "output_norm.weight");
        Assert.That(LanguageModel.Supports(file, out string reason), Is.True, reason);
        Assert.That(file.InvalidTensors, Is.Empty);
        LanguageModel.Load(file).Dispose();
        Assert.That(file.InvalidTensors, Has.Count.EqualTo(1));
    }

    [TestCase("idefics3_single", "v.blk.0.ln1.weight")]
    [TestCase("idefics3_single", "v.patch_embd.weight")]
    [TestCase("gemma3", "mm.input_projection.weight")]
    [TestCase("ldp", "mm.model.mb_block.1.block.0.0.weight")]
    [TestCase("pixtral_merge", "mm.patch_merger.weight")]
    [TestCase("qwen3vl", "v.position_embd.weight")]
    public void JudgingAVisionModelReadsNoWeights(string golden, string tensor)
    {
        using GgufFile file = WithNaN(VlmGolden.Open(golden).Mmproj, tensor);
        Assert.That(VisionModel.Supports(file, out string reason), Is.True, reason);
        Assert.That(file.InvalidTensors, Is.Empty);
        VisionModel.Load(file).Dispose();
        Assert.That(file.InvalidTensors, Has.Count.EqualTo(1));
    }

    [TestCaseSource(typeof(VlmGolden), nameof(VlmGolden.All))]
    public void EveryGoldenIsSupported(string name)
    {
        var golden = VlmGolden.Open(name);
        using GgufFile vision = GgufFile.Open(golden.Mmproj), text = GgufFile.Open(golden.Model);
        Assert.That(VisionModel.Supports(vision, out string reason), Is.True, reason);
        Assert.That(LanguageModel.Supports(text, out reason), Is.True, reason);
    }

    [Test]
    public void ALayerDoesNotComputeBeforeItsWeightsAreRead()
    {
        using var tensors = new TestTensors();
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool);
        using var frame = workspace.Frame();
        Matrix x = tensors.Rows(2, 32), y = workspace.Rent(2, 16);
        StoredTensor weight = tensors.Random(32, 16);
        using var layer = Linear.Describe(WeightOptions.Default, (weight, null));
        Assert.That((layer.Inputs, layer.Outputs, layer.ByteCount), Is.EqualTo((32, 16, 0L)));
        Assert.That(() => layer.Forward(workspace, x, y), Throws.InvalidOperationException.With.Message.Contains(weight.Name));
        layer.Load();
        layer.Load();
        Assert.That(() => layer.Forward(workspace, x, y), Throws.Nothing);

        using var norm = new RmsNorm(1e-5f, new FloatWeights(tensors.Random(32)));
        Assert.That(() => norm.Forward(workspace, x, x), Throws.InvalidOperationException);
    }

    [Test]
    public void ALoadThatIsCancelledGivesEverythingBack()
    {
        using var file = GgufFile.Open(VlmGolden.Open("idefics3_single").Mmproj);
        long before = NativeHeap.BytesInUse;
        using var cancel = new CancellationTokenSource();
        Assert.That(() => VisionModel.Load(file, null, _ => cancel.Cancel(), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(NativeHeap.BytesInUse, Is.EqualTo(before));
    }

    [TestCase("vector", new[] { 6 }, true)]
    [TestCase("vector", new[] { 5 }, false)]
    [TestCase("row", new[] { 6 }, true, Description = "a vector stored behind dimensions of one")]
    [TestCase("matrix", new[] { 6 }, false)]
    [TestCase("matrix", new[] { 2, 3 }, true)]
    [TestCase("matrix", new[] { 3, 2 }, false)]
    [TestCase("matrix", new[] { 2, 0 }, true)]
    [TestCase("cube", new[] { 2, 12 }, true)]
    [TestCase("cube", new[] { 2, 3, 4 }, true)]
    [TestCase("cube", new[] { 2, 4, 3 }, false)]
    [TestCase("cube", new[] { 2, 3, 4, 1 }, true)]
    [TestCase("cube", new[] { 2, 3, 4, 0 }, true)]
    [TestCase("absent", new[] { 1 }, false)]
    public void ShapesAreChecked(string name, int[] sizes, bool fits)
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("test"));
        using var values = new NativeBuffer<float>(24, clear: true);
        foreach ((string tensor, long[] dimensions) in new (string, long[])[] { ("vector", [6]), ("row", [1, 1, 6]), ("matrix", [2, 3]), ("cube", [2, 3, 4]) })
            writer.Add(new StoredTensor(tensor, TensorType.F32, dimensions, (byte*)values.Pointer));
        writer.Save(_path);
        using var file = GgufFile.Open(_path);
        using var weights = new ModelWeights(file, WeightOptions.Default);
        if (fits) Assert.That(weights.Get(name, sizes).Name, Is.EqualTo(name));
        else Assert.That(() => weights.Get(name, sizes), Throws.TypeOf<UnsupportedModelException>().With.Message.StartsWith($"{_path}: tensor '{name}' is "));
    }

    private GgufFile WithNaN(string path, string name)
    {
        using var source = GgufFile.Open(path);
        var writer = new GgufWriter();
        foreach ((string key, GgufValue value) in source.Metadata.Entries) writer.Set(key, value);
        StoredTensor wanted = source.GetTensor(name);
        using NativeBuffer<float> values = wanted.DecodeToBuffer();
        values.Span[^1] = float.NaN;
        foreach (StoredTensor tensor in source.Tensors)
            writer.Add(tensor.Name == name ? new StoredTensor(name, TensorType.F32, [.. wanted.Dimensions], (byte*)values.Pointer) : tensor);
        writer.Save(_path);
        return GgufFile.Open(_path);
    }
}
