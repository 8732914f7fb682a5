using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Gguf.Quantization;
using TinyMllm.Tests.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Gguf.Quantization;

public sealed unsafe class ModelQuantizerTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-quantize").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>
    /// From the F16 golden to the golden of each type. Keys, order, types, sizes and offsets are the same bytes. The goldens' data
    /// was made from the F32 weights, ours from these rounded to F16, so some roundings fall the other way: nearly all bytes agree.
    /// (Bit-equal encoding is tested on quant/.)
    /// </summary>
    [TestCase("q8_0", true)]
    [TestCase("q4_0", true)]
    [TestCase("q4_1", true)]
    [TestCase("q5_0", true)]
    [TestCase("q5_1", true)]
    [TestCase("q2_k", true)]
    [TestCase("q3_k", true)]
    [TestCase("q4_k", true)]
    [TestCase("q5_k", true)]
    [TestCase("q6_k", true)]
    [TestCase("iq4_nl", true)]
    [TestCase("iq4_xs", true)]
    [TestCase("mxfp4", true)]
    [TestCase("bf16", true)]
    [TestCase("f16", true)]
    [TestCase("q4_k_m_mixed", false)]
    public void MakesTheGoldenFiles(string type, bool pure)
    {
        string golden = Golden.Path($"llm_weight_types/{type}/model.gguf");
        uint fileType;
        using (var file = GgufFile.Open(golden)) fileType = (uint)file.Metadata.GetInt32("general.file_type");
        ModelQuantizer.Quantize(Golden.Path("llm_weight_types/f16/model.gguf"), In("out.gguf"), new() { Mix = (QuantizationMix)fileType, Pure = pure });

        byte[] expected = File.ReadAllBytes(golden), found = File.ReadAllBytes(In("out.gguf"));
        Assert.That(found, Has.Length.EqualTo(expected.Length));
        int header = expected.AsSpan().LastIndexOf("blk.0.ffn_up.weight"u8) + 64;
        Assert.That(found.AsSpan(0, header).SequenceEqual(expected.AsSpan(0, header)), "header");
        double equal = (double)found.Zip(expected).Count(pair => pair.First == pair.Second) / found.Length;
        Assert.That(equal, Is.GreaterThan(0.96));
    }

    [Test]
    public void TheResultDoesNotDependOnThreads()
    {
        string input = Golden.Path("llm_weight_types/f16/model.gguf");
        foreach (int threads in new[] { 1, 3 })
            ModelQuantizer.Quantize(input, In($"{threads}.gguf"), new() { Mix = QuantizationMix.Q4_K_M, Threads = threads });
        Assert.That(File.ReadAllBytes(In("1.gguf")).AsSpan().SequenceEqual(File.ReadAllBytes(In("3.gguf"))));
    }

    /// <summary>
    /// An encoder file: matrices change, vectors, positions, patches and what is not a plain product stay as they are, to the bit.
    /// </summary>
    [Test]
    public void QuantizesEncoderFiles()
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("clip"));
        writer.Set("clip.vision.block_count", GgufValue.From(1u));
        string[] stay =
        [
            "v.patch_embd.weight", "v.position_embd.weight", "v.sam.blk.0.attn.pos_h.weight", "v.sam.net_2.weight", "mm.input_projection.weight",
            "resampler.pos_embed_k", "v.class_embd",
        ];
        string[] change = ["v.blk.0.attn_q.weight", "v.blk.0.attn_v.weight", "v.blk.0.ffn_down.weight", "mm.model.fc.weight"];
        foreach (string name in stay.Concat(change)) writer.Add(name, TensorType.F32, [64, 2], Noise(128));
        writer.Add("v.conv.weight", TensorType.F32, [32, 1, 2, 2], Noise(128));
        writer.Add("v.blk.0.ln1.weight", TensorType.F32, [32], Noise(32));
        writer.Add("v.odd.weight", TensorType.F32, [30, 2], Noise(60));
        writer.Save(In("mmproj.gguf"));

        ModelQuantizer.Quantize(In("mmproj.gguf"), In("out.gguf"), new() { Mix = QuantizationMix.Q8_0 });
        using var before = GgufFile.Open(In("mmproj.gguf"));
        using var after = GgufFile.Open(In("out.gguf"));
        foreach (string name in stay.Append("v.conv.weight").Append("v.blk.0.ln1.weight"))
        {
            var (a, b) = (before.GetTensor(name), after.GetTensor(name));
            Assert.That(b.Type, Is.EqualTo(TensorType.F32), name);
            Assert.That(new Span<byte>(a.Data, (int)a.ByteCount).SequenceEqual(new Span<byte>(b.Data, (int)b.ByteCount)), name);
        }

        foreach (string name in change) Assert.That(after.GetTensor(name).Type, Is.EqualTo(TensorType.Q8_0), name);
        Assert.That(after.GetTensor("v.odd.weight").Type, Is.EqualTo(TensorType.F16), "rows of 30 have no blocks");
    }

    [Test]
    public void ReadsSplitModelsAndReportsEveryTensor()
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("llama"));
        for (int i = 0; i < 3; i++) writer.Add($"blk.{i}.ffn_up.weight", TensorType.F32, [64, 3], Noise(192));
        writer.Add("output_norm.weight", TensorType.F32, [64], Noise(64));
        string[] parts = writer.SaveSplit(In("model"), 2);
        var seen = new Reports();
        var result = ModelQuantizer.Quantize(parts[0], In("out.gguf"), new() { Mix = QuantizationMix.Q8_0 }, seen);
        Assert.That(seen.Tensors, Is.EqualTo(result));
        Assert.That(result.Select(t => t.Name),
            Is.EqualTo(new[] { "output_norm.weight", "blk.0.ffn_up.weight", "blk.1.ffn_up.weight", "blk.2.ffn_up.weight" }));
        using var file = GgufFile.Open(In("out.gguf"));
        Assert.That((file.PartCount, file.Metadata.Contains("split.count")), Is.EqualTo((1, false)));
    }

    [Test]
    public void RequantizingMustBeAllowed()
    {
        string input = Golden.Path("llm_weight_types/q8_0/model.gguf");
        var options = new QuantizationOptions { Mix = QuantizationMix.Q4_0, Pure = true };
        Assert.That(() => ModelQuantizer.Quantize(input, In("out.gguf"), options), Throws.TypeOf<QuantizationException>().With.Message.Contains("quantised already (Q8_0)"));
        ModelQuantizer.Quantize(input, In("out.gguf"), options with { AllowRequantize = true });
        using var file = GgufFile.Open(In("out.gguf"));
        Assert.That(file.GetTensor("token_embd.weight").Type, Is.EqualTo(TensorType.Q4_0));
    }

    [Test]
    public void NotANumberIsFoundAndNothingIsLeftBehind()
    {
        byte[] data = Noise(64 * 300);
        BitConverter.GetBytes(float.NaN).CopyTo(data, 4 * ((64 * 217) + 5));
        var writer = new GgufWriter();
        writer.Add("blk.0.ffn_up.weight", TensorType.F32, [64, 300], data);
        writer.Save(In("nan.gguf"));
        Assert.That(() => ModelQuantizer.Quantize(In("nan.gguf"), In("out.gguf"), new() { Mix = QuantizationMix.Q8_0 }),
            Throws.TypeOf<QuantizationException>().With.Message.Contains("'blk.0.ffn_up.weight': row 217"));
        Assert.That(Directory.GetFiles(_folder).Select(Path.GetFileName), Is.EqualTo(new[] { "nan.gguf" }));
    }

    [Test]
    public void CancelsAndLeavesNothingBehind()
    {
        using var cancel = new CancellationTokenSource();
        var stop = new Reports { Then = cancel.Cancel };
        Assert.That(() => ModelQuantizer.Quantize(Golden.Path("llm_weight_types/f16/model.gguf"), In("out.gguf"), new() { Mix = QuantizationMix.Q8_0 }, stop, cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(stop.Tensors, Has.Count.EqualTo(1));
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    [Test]
    public void TheInputIsNotReplaced()
    {
        GgufSamples.Smallest().Save(In("a.gguf"));
        byte[] before = File.ReadAllBytes(In("a.gguf"));
        string again = In("../" + Path.GetFileName(_folder) + "/a.gguf");
        Assert.That(() => ModelQuantizer.Quantize(In("a.gguf"), again, new() { Mix = QuantizationMix.Q8_0 }),
            Throws.InstanceOf<IOException>().With.Message.Contains("read here"));
        Assert.That(File.ReadAllBytes(In("a.gguf")), Is.EqualTo(before));
    }

    private static byte[] Noise(int count)
    {
        var random = new Random(count);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)(random.NextDouble() - 0.5);
        return MemoryMarshal.AsBytes<float>(values).ToArray();
    }

    private sealed class Reports : IProgress<QuantizedTensor>
    {
        public List<QuantizedTensor> Tensors { get; } = [];

        public Action? Then { get; init; }

        public void Report(QuantizedTensor value)
        {
            Tensors.Add(value);
            Then?.Invoke();
        }
    }
}
