using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language;

/// <summary>
/// The vocabulary in which a family describes its decoder. Every method finds and checks its tensors at once and returns a recipe that
/// reads the weights later. Names are those of GGUF: layer i's tensors begin with <c>blk.i.</c>.
/// </summary>
internal sealed partial class DecoderBuilder
{
    private readonly LanguageModelOptions _options;
    private readonly List<RotaryEmbedding> _rotaries = [];
    private readonly List<int> _windows = [0];

    /// <summary>Begins the description of a file.</summary>
    public DecoderBuilder(LanguageConfig config, ModelTensors tensors, LanguageModelOptions options)
    {
        Config = config;
        Tensors = tensors;
        _options = options;
    }

    /// <summary>Sizes and constants of the file.</summary>
    public LanguageConfig Config { get; }

    /// <summary>Whether to compute as llama.cpp does where it departs from the original model.</summary>
    public bool FollowsLlamaCpp => _options.Compatibility == Compatibility.LlamaCpp;

    /// <summary>Tensors of the file.</summary>
    public ModelTensors Tensors { get; }

    /// <summary>The model's rotary embeddings, by slot.</summary>
    public IReadOnlyList<RotaryEmbedding> Rotaries => _rotaries;

    /// <summary>The model's windows, by slot; 0 = sees everything.</summary>
    public IReadOnlyList<int> Windows => _windows;

    private int Width => Config.EmbeddingLength;

    private WeightOptions Weights => _options.Weights;

    /// <summary>All layers, described one by one.</summary>
    public BlockPlan[] Layers(Func<int, BlockPlan> describe)
    {
        var blocks = new BlockPlan[Config.Layers];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = describe(i);
        return blocks;
    }

    /// <summary>The usual decoder: RMSNorm at the end, output matrix possibly shared with the token embedding.</summary>
    /// <param name="describe">Describes layer i.</param>
    /// <param name="tied">Whether the output matrix may be the token embedding.</param>
    public DecoderPlan RmsDecoder(Func<int, BlockPlan> describe, bool tied = true) => new()
    {
        Blocks = Layers(describe),
        OutputNorm = RmsNorm("output_norm"),
        Output = Output(tied),
    };

    /// <summary>The usual block: <c>attn_norm</c>, mixer, <c>ffn_norm</c>, feed-forward network, each added to the stream.</summary>
    public BlockPlan RmsBlock(int layer, Recipe<ITokenMixer> mixer, Recipe<IFeedForward> feedForward) => new()
    {
        MixerNorm = RmsNorm(layer, "attn_norm"),
        Mixer = mixer,
        FeedForwardNorm = RmsNorm(layer, "ffn_norm"),
        FeedForward = feedForward,
    };

    /// <summary>A rotary embedding of the model.</summary>
    public RotaryHandle Rotary(RotaryTraits traits)
    {
        _rotaries.Add(RotarySetup.Create(Config, Tensors, traits, _options));
        return new RotaryHandle(_rotaries[^1], _rotaries.Count - 1);
    }

    /// <summary>A rotary embedding with the given pairing and otherwise the file's values.</summary>
    public RotaryHandle Rotary(RotaryPairing pairing) => Rotary(new RotaryTraits { Pairing = pairing });

    /// <summary>Refuses a file without multimodal rotary sections.</summary>
    public void RequireSections()
    {
        if (Config.Rotary.Sections is null)
            throw new UnsupportedModelException($"key '{Config.Architecture}.rope.dimension_sections' is missing");
    }

    /// <summary>RMSNorm over the stream.</summary>
    public Recipe<INorm> RmsNorm(string name) => RmsNorm(name, Width);

    /// <summary>RMSNorm before or after a part of layer <paramref name="layer"/>.</summary>
    public Recipe<INorm> RmsNorm(int layer, string name) => RmsNorm(Name(layer, name), Width);

    /// <summary>RMSNorm of <paramref name="size"/> features.</summary>
    public Recipe<INorm> RmsNorm(string name, int size)
    {
        var weight = Tensors.Get(name + ".weight", size);
        return () => new RmsNorm(weight, Config.Epsilon);
    }

    /// <summary>RMSNorm with a bias (Phi-3.5-MoE).</summary>
    public Recipe<INorm> ShiftedRmsNorm(string name)
    {
        var norm = RmsNorm(name);
        var bias = Tensors.Get(name + ".bias", Width);
        return () => new ShiftedNorm(norm(), bias);
    }

    /// <summary>RMSNorm with a bias before a part of layer <paramref name="layer"/>.</summary>
    public Recipe<INorm> ShiftedRmsNorm(int layer, string name) => ShiftedRmsNorm(Name(layer, name));

    /// <summary>LayerNorm over the stream.</summary>
    public Recipe<INorm> LayerNorm(string name)
    {
        var weight = Tensors.Get(name + ".weight", Width);
        var bias = Tensors.Find(name + ".bias", Width);
        return () => new LayerNorm(weight, bias, Config.Epsilon);
    }

    /// <summary>LayerNorm before a part of layer <paramref name="layer"/>.</summary>
    public Recipe<INorm> LayerNorm(int layer, string name) => LayerNorm(Name(layer, name));

    /// <summary>A matrix <c>name.weight</c> with <c>name.bias</c> if there is one.</summary>
    public Recipe<Linear> Matrix(string name, int inputs, int outputs)
    {
        var part = WeightAndBias(name, inputs, outputs);
        return () => Linear.Create(Weights, part.Weight, part.Bias);
    }

    /// <summary>Stream to vocabulary: <c>output</c>, or the token embedding where the family allows it and the file has no other.</summary>
    public Recipe<Linear> Output(bool tied = true)
    {
        if (!tied || Tensors.Has("output.weight")) return Matrix("output", Width, Config.VocabularySize);
        var embedding = TokenEmbedding;
        return () => Linear.Create(Weights, embedding);
    }

    /// <summary>The table of token embeddings.</summary>
    public StoredTensor TokenEmbedding => Tensors.Get("token_embd.weight", Width, Config.VocabularySize);

    /// <summary>Grouped-query attention of layer <paramref name="layer"/>; queries, keys and values from one tensor or three.</summary>
    public Recipe<ITokenMixer> Attention(int layer, AttentionTraits traits)
    {
        int heads = Config.Heads[layer], kvHeads = Config.KvHeads[layer];
        if (heads == 0 || kvHeads == 0 || Config.KeySize == 0 || Config.ValueSize == 0)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: layer {layer} has {heads} query heads and {kvHeads} key heads of {Config.KeySize} features");
        }

        if (traits.Rotary is { } rotary && rotary.Embedding.Dimensions > Config.KeySize)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: 'rope.dimension_count' is {rotary.Embedding.Dimensions}, heads have {Config.KeySize} features");
        }

        float scale = traits.Scale != 0 ? traits.Scale : 1 / MathF.Sqrt(Config.KeySize);
        var shape = new AttentionShape(heads, kvHeads, Config.KeySize, Config.ValueSize, scale, traits.SoftCap);
        var queryKeyValue = QueryKeyValue(layer, traits, shape);
        var output = WeightAndBias(Name(layer, traits.Prefix + "_output"), heads * Config.ValueSize, Width);
        var queryNorm = HeadNorm(Name(layer, traits.Prefix + "_q_norm"), traits.Norm, heads);
        var keyNorm = HeadNorm(Name(layer, traits.Prefix + "_k_norm"), traits.Norm, kvHeads);
        int window = WindowSlot(traits.Window);
        return () => new SelfAttention(new SelfAttentionParts
        {
            QueryKeyValue = queryKeyValue(),
            Output = Linear.Create(Weights, output.Weight, output.Bias),
            Shape = shape,
            Rotary = traits.Rotary?.Embedding,
            RotarySlot = traits.Rotary?.Slot ?? 0,
            WindowSlot = window,
            QueryNorm = queryNorm?.Invoke(),
            KeyNorm = keyNorm?.Invoke(),
            NormalizesAllHeads = traits.Norm == QueryKeyNorm.RmsWhole,
            NormalizesAfterRotation = traits.Norm == QueryKeyNorm.RmsPerHeadAfterRotation,
            HasGate = traits.HasGate,
            Temperature = traits.TemperatureScale == 0
                ? null
                : new QueryTemperature(traits.TemperatureScale, Config.Rotary.OriginalContext),
        });
    }

    /// <summary>Gated feed-forward network of layer <paramref name="layer"/>: <c>ffn_gate</c>, <c>ffn_up</c>, <c>ffn_down</c>.</summary>
    public Recipe<IFeedForward> GatedMlp(int layer, Activation activation, string prefix = "ffn", string suffix = "", int? width = null)
    {
        int inner = width ?? Config.FeedForwardLength[layer];
        var gate = WeightAndBias(Name(layer, $"{prefix}_gate{suffix}"), Width, inner);
        var up = WeightAndBias(Name(layer, $"{prefix}_up{suffix}"), Width, inner);
        var down = WeightAndBias(Name(layer, $"{prefix}_down{suffix}"), inner, Width);
        return () => new GatedMlp(Linear.Fuse(Weights, gate, up), Linear.Create(Weights, down.Weight, down.Bias), activation);
    }

    /// <summary>Gated feed-forward network whose <c>ffn_up</c> holds gate and up, gate first (Phi-3, GLM).</summary>
    public Recipe<IFeedForward> FusedGatedMlp(int layer, Activation activation)
    {
        int inner = Config.FeedForwardLength[layer];
        var gateUp = WeightAndBias(Name(layer, "ffn_up"), Width, 2 * inner);
        var down = WeightAndBias(Name(layer, "ffn_down"), inner, Width);
        return () => new GatedMlp(
            Linear.Create(Weights, gateUp.Weight, gateUp.Bias), Linear.Create(Weights, down.Weight, down.Bias), activation);
    }

    /// <summary>Plain feed-forward network of layer <paramref name="layer"/>: <c>ffn_up</c>, <c>ffn_down</c>.</summary>
    public Recipe<IFeedForward> Mlp(int layer, Activation activation)
    {
        int inner = Config.FeedForwardLength[layer];
        var up = WeightAndBias(Name(layer, "ffn_up"), Width, inner);
        var down = WeightAndBias(Name(layer, "ffn_down"), inner, Width);
        return () => new Mlp(Linear.Create(Weights, up.Weight, up.Bias), Linear.Create(Weights, down.Weight, down.Bias), activation);
    }

    /// <summary>Whether layer <paramref name="layer"/> has a tensor of that name.</summary>
    public bool Has(int layer, string name) => Tensors.Has(Name(layer, name));

    private static string Name(int layer, string name) => $"blk.{layer}.{name}";

    private (StoredTensor Weight, StoredTensor? Bias) WeightAndBias(string name, int inputs, int outputs) =>
        (Tensors.Get(name + ".weight", inputs, outputs), Tensors.Find(name + ".bias", outputs));

    private Recipe<Linear> QueryKeyValue(int layer, AttentionTraits traits, AttentionShape shape)
    {
        int queries = shape.Heads * shape.HeadSize, keys = shape.KvHeads * shape.HeadSize, values = shape.KvHeads * shape.ValueSize;
        string prefix = traits.Prefix;
        if (Has(layer, prefix + "_qkv.weight")) return Matrix(Name(layer, prefix + "_qkv"), Width, queries + keys + values);

        var q = WeightAndBias(Name(layer, prefix + "_q"), Width, traits.HasGate ? 2 * queries : queries);
        var k = WeightAndBias(Name(layer, prefix + "_k"), Width, keys);
        var v = WeightAndBias(Name(layer, prefix + "_v"), Width, values);
        if (!traits.HasGate) return () => Linear.Fuse(Weights, q, k, v);

        // Stored per head as query, gate; wanted as all queries, all gates: the order of rows is free to choose.
        var parts = new List<(StoredTensor, StoredTensor?)>();
        for (int half = 0; half < 2; half++)
            for (int h = 0; h < shape.Heads; h++) parts.Add((q.Weight.RowRange(((2 * h) + half) * shape.HeadSize, shape.HeadSize), null));
        parts.Add(k);
        parts.Add(v);
        return () => Linear.Fuse(Weights, [.. parts]);
    }

    private Recipe<INorm>? HeadNorm(string name, QueryKeyNorm kind, int heads)
    {
        switch (kind)
        {
            case QueryKeyNorm.RmsPerHead or QueryKeyNorm.RmsPerHeadAfterRotation:
                return RmsNorm(name, Config.KeySize);
            case QueryKeyNorm.RmsWhole:
                return RmsNorm(name, heads * Config.KeySize);
            case QueryKeyNorm.OptionalLayerNormPerHead when Tensors.Find(name + ".weight", Config.KeySize, heads) is { } weight:
                return () => new LayerNorm(weight, null, Config.Epsilon);
            default:
                return null;
        }
    }

    private int WindowSlot(int window)
    {
        int slot = _windows.IndexOf(window);
        if (slot >= 0) return slot;
        _windows.Add(window);
        return _windows.Count - 1;
    }
}
