using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Language;

/// <summary>
/// A tiny random model of any architecture, written as a GGUF file: for architectures without a golden, and for files with something
/// wrong.
/// </summary>
internal sealed class SyntheticModel(string architecture, int width = 32, int layers = 2, int vocabulary = 40) : IDisposable
{
    private readonly Dictionary<string, (long[] Dimensions, float Scale, float Offset)> _tensors = [];
    private readonly Dictionary<string, GgufValue> _keys = [];
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():n}.gguf");
    private GgufFile? _file;

    public SyntheticModel Key(string name, GgufValue value)
    {
        _keys[name.StartsWith("general.", StringComparison.Ordinal) ? name : $"{architecture}.{name}"] = value;
        return this;
    }

    public SyntheticModel Key(string name, int value) => Key(name, GgufValue.From((uint)value));

    public SyntheticModel Key(string name, float value) => Key(name, GgufValue.From(value));

    public SyntheticModel Tensor(string name, params long[] dimensions) => Scaled(name, 0.3f, 0, dimensions);

    public SyntheticModel Norm(string name, params long[] dimensions) => Scaled(name, 0.2f, 1, dimensions);

    public SyntheticModel Scaled(string name, float scale, float offset, params long[] dimensions)
    {
        _tensors[name] = (dimensions, scale, offset);
        return this;
    }

    public SyntheticModel Layer(Action<SyntheticModel, string> describe, int from = 0, int? to = null)
    {
        for (int i = from; i < (to ?? layers); i++) describe(this, $"blk.{i}.");
        return this;
    }

    public SyntheticModel Without(string name)
    {
        if (!_tensors.Remove(name)) _keys.Remove($"{architecture}.{name}");
        return this;
    }

    /// <summary>What nearly all architectures have.</summary>
    public SyntheticModel Usual(int heads = 4, int kvHeads = 2)
    {
        Key("general.architecture", GgufValue.From(architecture));
        Key("context_length", 64).Key("embedding_length", width).Key("block_count", layers).Key("vocab_size", vocabulary);
        Key("attention.head_count", heads).Key("attention.head_count_kv", kvHeads).Key("feed_forward_length", 48);
        Key("attention.layer_norm_rms_epsilon", 1e-5f);
        return Scaled("token_embd.weight", 1, 0, width, vocabulary).Norm("output_norm.weight", width);
    }

    public SyntheticModel Attention(string prefix, int heads = 4, int kvHeads = 2, int headSize = 8) =>
        Norm(prefix + "attn_norm.weight", width)
            .Tensor(prefix + "attn_q.weight", width, heads * headSize)
            .Tensor(prefix + "attn_k.weight", width, kvHeads * headSize)
            .Tensor(prefix + "attn_v.weight", width, kvHeads * headSize)
            .Tensor(prefix + "attn_output.weight", heads * headSize, width);

    public SyntheticModel Dense(string prefix, string norm = "ffn_norm") =>
        Norm(prefix + norm + ".weight", width)
            .Tensor(prefix + "ffn_gate.weight", width, 48).Tensor(prefix + "ffn_up.weight", width, 48).Tensor(prefix + "ffn_down.weight", 48, width);

    public SyntheticModel Experts(string prefix, int count = 4, int inner = 24) =>
        Norm(prefix + "ffn_norm.weight", width)
            .Tensor(prefix + "ffn_gate_inp.weight", width, count)
            .Tensor(prefix + "ffn_gate_exps.weight", width, inner, count)
            .Tensor(prefix + "ffn_up_exps.weight", width, inner, count)
            .Tensor(prefix + "ffn_down_exps.weight", inner, width, count);

    public GgufFile Open()
    {
        var writer = new GgufWriter();
        foreach ((string key, var value) in _keys) writer.Set(key, value);
        foreach ((string name, var (dimensions, scale, offset)) in _tensors)
        {
            var random = new Random(name.Sum(letter => letter));
            float[] values = new float[dimensions.Aggregate(1L, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++) values[i] = offset + (scale * ((2 * random.NextSingle()) - 1));
            writer.Add(name, TensorType.F32, dimensions, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        }

        writer.Save(_path);
        return _file = GgufFile.Open(_path);
    }

    public void Dispose()
    {
        _file?.Dispose();
        File.Delete(_path);
    }
}
