using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Gguf.Quantization;

namespace TinyMllm.Tests.Gguf.Quantization;

/// <summary>Which tensor gets which type, on skeletons of models whose tensors have the right shapes in columns and one row.</summary>
public sealed class TensorTypePolicyTests
{
    private string _path = "";

    [SetUp]
    public void CreateFile() => _path = Path.GetTempFileName();

    [TearDown]
    public void RemoveFile() => File.Delete(_path);

    /// <summary>
    /// The table of docs/formats/quantization.md#mixes for Q4_K_M with 32 layers: value and down projections of layers 0–3, 6, 9, … 27,
    /// 28–31 in Q6_K.
    /// </summary>
    [TestCase(QuantizationMix.Q4_K_M, TensorType.Q4_K)]
    [TestCase(QuantizationMix.Q5_K_M, TensorType.Q5_K)]
    public void MediumMixesOf32Layers(QuantizationMix mix, TensorType main)
    {
        var types = Choose(mix, Llama(32, tied: false));
        int[] better = [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31];
        for (int i = 0; i < 32; i++)
        {
            var expected = better.Contains(i) ? TensorType.Q6_K : main;
            Assert.That(types[$"blk.{i}.attn_v.weight"], Is.EqualTo(expected), $"layer {i}");
            Assert.That(types[$"blk.{i}.ffn_down.weight"], Is.EqualTo(expected), $"layer {i}");
            foreach (string name in new[] { "attn_q", "attn_k", "attn_output", "ffn_up", "ffn_gate" })
                Assert.That(types[$"blk.{i}.{name}.weight"], Is.EqualTo(main), name);
            Assert.That(types[$"blk.{i}.attn_norm.weight"], Is.EqualTo(TensorType.F32));
        }

        Assert.That(types["token_embd.weight"], Is.EqualTo(main));
        Assert.That(types["output.weight"], Is.EqualTo(TensorType.Q6_K));
    }

    [TestCase(QuantizationMix.Q4_0, TensorType.Q6_K)]
    [TestCase(QuantizationMix.Q5_1, TensorType.Q6_K)]
    [TestCase(QuantizationMix.Q8_0, TensorType.Q8_0)]
    [TestCase(QuantizationMix.F16, TensorType.F16)]
    [TestCase(QuantizationMix.MXFP4, TensorType.Q8_0)]
    public void TiedEmbeddingsAreTheOutputMatrix(QuantizationMix mix, TensorType expected) =>
        Assert.That(Choose(mix, Llama(2, tied: true))["token_embd.weight"], Is.EqualTo(expected));

    [TestCase(QuantizationMix.Q2_K, 1, "attn_v", "Q3_K Q3_K")]
    [TestCase(QuantizationMix.Q2_K, 4, "attn_v", "Q4_K Q4_K")]
    [TestCase(QuantizationMix.Q2_K, 1, "ffn_down", "Q3_K Q3_K")]
    [TestCase(QuantizationMix.Q2_K, 1, "attn_output", "Q3_K Q3_K")]
    [TestCase(QuantizationMix.Q2_K_S, 4, "attn_v", "Q4_K Q4_K")]
    [TestCase(QuantizationMix.Q2_K_S, 1, "ffn_down", "Q4_K Q2_K")]
    [TestCase(QuantizationMix.Q3_K_S, 1, "ffn_down", "Q3_K Q3_K")]
    [TestCase(QuantizationMix.Q3_K_M, 1, "attn_v", "Q5_K Q4_K")]
    [TestCase(QuantizationMix.Q3_K_M, 1, "ffn_down", "Q5_K Q4_K")]
    [TestCase(QuantizationMix.Q3_K_M, 1, "attn_output", "Q4_K Q4_K")]
    [TestCase(QuantizationMix.Q3_K_L, 1, "attn_v", "Q5_K Q5_K")]
    [TestCase(QuantizationMix.Q3_K_L, 1, "attn_output", "Q5_K Q5_K")]
    [TestCase(QuantizationMix.Q4_K_S, 1, "attn_v", "Q5_K Q4_K")]
    [TestCase(QuantizationMix.Q4_K_S, 1, "ffn_down", "Q5_K Q4_K")]
    [TestCase(QuantizationMix.Q5_K_S, 1, "attn_v", "Q5_K Q5_K")]
    [TestCase(QuantizationMix.Q6_K, 1, "ffn_down", "Q6_K Q6_K")]
    [TestCase(QuantizationMix.IQ4_NL, 4, "attn_v", "Q5_K Q5_K")]
    [TestCase(QuantizationMix.IQ4_NL, 1, "attn_v", "IQ4_NL IQ4_NL")]
    [TestCase(QuantizationMix.IQ4_XS, 1, "ffn_down", "Q5_K IQ4_XS")]
    [TestCase(QuantizationMix.Q4_0, 4, "attn_v", "Q4_0 Q4_0")]
    public void FirstAndFifthOf16Layers(QuantizationMix mix, int queriesPerKey, string tensor, string expected)
    {
        var types = Choose(mix, Llama(16, tied: false, keyHeads: 8 / queriesPerKey));
        Assert.That($"{types[$"blk.0.{tensor}.weight"]} {types[$"blk.5.{tensor}.weight"]}", Is.EqualTo(expected));
    }

    /// <summary>Widths that 256 does not divide: SmolLM2-135M has 576.</summary>
    [TestCase(QuantizationMix.Q4_K_M, 576, TensorType.Q5_0)]
    [TestCase(QuantizationMix.Q5_K_S, 576, TensorType.Q5_1)]
    [TestCase(QuantizationMix.Q6_K, 576, TensorType.Q8_0)]
    [TestCase(QuantizationMix.Q3_K_S, 576, TensorType.Q4_0)]
    [TestCase(QuantizationMix.IQ4_XS, 576, TensorType.IQ4_NL)]
    [TestCase(QuantizationMix.Q8_0, 100, TensorType.F16)]
    [TestCase(QuantizationMix.Q4_K_M, 100, TensorType.F16)]
    public void WidthsThatDoNotFitFallBack(QuantizationMix mix, int width, TensorType expected) =>
        Assert.That(Choose(mix, Llama(2, tied: false, width: width))["blk.0.attn_q.weight"], Is.EqualTo(expected));

    [Test]
    public void ExpertsOfMxfp4()
    {
        var writer = Llama(1, tied: false);
        writer.Add("blk.0.ffn_up_exps.weight", TensorType.F32, [256, 1, 2], new byte[2048]);
        writer.Add("blk.0.ffn_gate_inp.weight", TensorType.F32, [256, 2], new byte[2048]);
        var types = Choose(QuantizationMix.MXFP4, writer);
        Assert.That(types["blk.0.ffn_up_exps.weight"], Is.EqualTo(TensorType.MXFP4));
        Assert.That(types["blk.0.attn_q.weight"], Is.EqualTo(TensorType.Q8_0));
        Assert.That(types["blk.0.ffn_gate_inp.weight"], Is.EqualTo(TensorType.F32));
    }

    [Test]
    public void PureMeansEveryMatrix()
    {
        var types = Choose(QuantizationMix.Q4_K_M, Llama(32, tied: true), pure: true);
        Assert.That(types.Where(t => !t.Key.Contains("norm")).Select(t => t.Value).Distinct(), Is.EqualTo(new[] { TensorType.Q4_K }));
    }

    [TestCase("q4_k_m", QuantizationMix.Q4_K_M)]
    [TestCase("Q5_K", QuantizationMix.Q5_K_M)]
    [TestCase("mxfp4_moe", QuantizationMix.MXFP4)]
    public void NamesOfMixes(string name, QuantizationMix expected)
    {
        Assert.That(QuantizationMixes.TryParse(name, out var mix) && mix == expected);
        Assert.That(QuantizationMixes.TryParse("Q9", out _), Is.False);
        Assert.That(QuantizationMixes.All, Is.EquivalentTo(Enum.GetValues<QuantizationMix>()));
    }

    private static GgufWriter Llama(int layers, bool tied, int width = 256, int keyHeads = 8)
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("llama"));
        writer.Set("llama.block_count", GgufValue.From((uint)layers));
        writer.Set("llama.attention.head_count", GgufValue.From(8u));
        writer.Set("llama.attention.head_count_kv", GgufValue.From((uint)keyHeads));
        writer.Add("token_embd.weight", TensorType.F32, [width, 2], new byte[8 * width]);
        if (!tied) writer.Add("output.weight", TensorType.F32, [width, 2], new byte[8 * width]);
        for (int i = layers - 1; i >= 0; i--)
        {
            writer.Add($"blk.{i}.attn_norm.weight", TensorType.F32, [width], new byte[4 * width]);
            foreach (string name in new[] { "attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down" })
                writer.Add($"blk.{i}.{name}.weight", TensorType.F32, [width, 2], new byte[8 * width]);
        }

        return writer;
    }

    private Dictionary<string, TensorType> Choose(QuantizationMix mix, GgufWriter writer, bool pure = false)
    {
        writer.Save(_path);
        using var file = GgufFile.Open(_path);
        var policy = new TensorTypePolicy(file, mix, pure);
        return TensorTypePolicy.Order(file.Tensors).ToDictionary(tensor => tensor.Name, policy.Choose);
    }
}
