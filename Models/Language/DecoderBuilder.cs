using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Weights;

namespace TinyMllm.Language;

/// <summary>
/// The vocabulary in which a family describes its decoder. Every method finds and checks its tensors at once and returns a layer whose
/// weights are read later, by <see cref="ModelWeights.Load"/>. Names are those of GGUF: layer i's tensors begin with <c>blk.i.</c>.
/// </summary>
internal sealed partial class DecoderBuilder
{
    private readonly LanguageModelOptions _options;
    private readonly List<int> _windows = [0];

    /// <summary>Begins the description of a file.</summary>
    public DecoderBuilder(LanguageConfig config, ModelWeights weights, LanguageModelOptions options)
    {
        Config = config;
        Weights = weights;
        _options = options;
    }

    /// <summary>Sizes and constants of the file; a family may correct them before it describes its layers.</summary>
    public LanguageConfig Config { get; set; }

    /// <summary>Weights of the file.</summary>
    public ModelWeights Weights { get; }

    /// <summary>The model's windows, by slot; 0 = sees everything.</summary>
    public IReadOnlyList<int> Windows => _windows;

    private int Width => Config.EmbeddingLength;

    /// <summary>Whether to compute as llama.cpp does in this place.</summary>
    public bool Follows(Quirks quirk) => _options.Compatibility.Follows(quirk);

    /// <summary>All layers, described one by one.</summary>
    public DecoderBlock[] Layers(Func<int, DecoderBlock> describe)
    {
        var blocks = new DecoderBlock[Config.Layers];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = describe(i);
        return blocks;
    }

    /// <summary>The usual decoder: RMSNorm at the end, output matrix possibly shared with the token embedding.</summary>
    /// <param name="describe">Describes layer i.</param>
    /// <param name="tied">Whether the output matrix may be the token embedding.</param>
    public DecoderPlan RmsDecoder(Func<int, DecoderBlock> describe, bool tied = true) => new()
    {
        Blocks = Layers(describe),
        OutputNorm = RmsNorm("output_norm"),
        Output = Output(tied),
    };

    /// <summary>The usual block: <c>attn_norm</c>, mixer, <c>ffn_norm</c>, feed-forward network, each added to the stream.</summary>
    public DecoderBlock RmsBlock(int layer, ITokenMixer mixer, IFeedForward feedForward) => new()
    {
        MixerNorm = RmsNorm(layer, "attn_norm"),
        Mixer = mixer,
        FeedForwardNorm = RmsNorm(layer, "ffn_norm"),
        FeedForward = feedForward,
    };

    /// <summary>RMSNorm over the stream.</summary>
    public INorm RmsNorm(string name) => RmsNorm(name, Width);

    /// <summary>RMSNorm before or after a part of layer <paramref name="layer"/>.</summary>
    public INorm RmsNorm(int layer, string name) => RmsNorm(Name(layer, name), Width);

    /// <summary>RMSNorm of <paramref name="size"/> features.</summary>
    public INorm RmsNorm(string name, int size) => Weights.RmsNorm(name, size, Config.Epsilon);

    /// <summary>RMSNorm with a bias (Phi-3.5-MoE).</summary>
    public INorm ShiftedRmsNorm(string name) => new ShiftedNorm(RmsNorm(name), Weights.Floats(name + ".bias", Width));

    /// <summary>RMSNorm with a bias before a part of layer <paramref name="layer"/>.</summary>
    public INorm ShiftedRmsNorm(int layer, string name) => ShiftedRmsNorm(Name(layer, name));

    /// <summary>LayerNorm over the stream.</summary>
    public INorm LayerNorm(string name) => Weights.LayerNorm(name, Width, Config.Epsilon);

    /// <summary>LayerNorm before a part of layer <paramref name="layer"/>.</summary>
    public INorm LayerNorm(int layer, string name) => LayerNorm(Name(layer, name));

    /// <summary>Stream to vocabulary: <c>output</c>, or the token embedding where the family allows it and the file has no other.</summary>
    public Linear Output(bool tied = true) => tied && !Weights.Has("output.weight")
        ? Weights.Linear(TokenEmbedding)
        : Weights.Linear("output", Width, Config.VocabularySize);

    /// <summary>The table of token embeddings.</summary>
    public StoredTensor TokenEmbedding => Weights.Get("token_embd.weight", Width, Config.VocabularySize);

    /// <summary>Grouped-query attention of layer <paramref name="layer"/>; queries, keys and values from one tensor or three.</summary>
    public ITokenMixer Attention(int layer, AttentionTraits traits)
    {
        int heads = Config.Heads[layer], kvHeads = Config.KvHeads[layer];
        if (heads == 0 || kvHeads == 0 || Config.KeySize == 0 || Config.ValueSize == 0)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: layer {layer} has {heads} query heads and {kvHeads} key heads of {Config.KeySize} features");
        }

        if (traits.Rotary is { } rotary && rotary.Dimensions > Config.KeySize)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: 'rope.dimension_count' is {rotary.Dimensions}, heads have {Config.KeySize} features");
        }

        float scale = traits.Scale != 0 ? traits.Scale : 1 / MathF.Sqrt(Config.KeySize);
        var shape = new AttentionShape(heads, kvHeads, Config.KeySize, Config.ValueSize, scale, traits.SoftCap);
        return new SelfAttention
        {
            QueryKeyValue = QueryKeyValue(layer, traits, shape),
            Output = Weights.Linear(Name(layer, traits.Prefix + "_output"), heads * Config.ValueSize, Width),
            Shape = shape,
            Rotary = traits.Rotary,
            WindowSlot = WindowSlot(traits.Window),
            QueryNorm = HeadNorm(Name(layer, traits.Prefix + "_q_norm"), traits.Norm, heads),
            KeyNorm = HeadNorm(Name(layer, traits.Prefix + "_k_norm"), traits.Norm, kvHeads),
            NormalizesAllHeads = traits.Norm == QueryKeyNorm.RmsWhole,
            NormalizesAfterRotation = traits.Norm == QueryKeyNorm.RmsPerHeadAfterRotation,
            HasGate = traits.HasGate,
            Temperature = traits.TemperatureScale == 0
                ? null
                : new QueryTemperature(traits.TemperatureScale, Config.Rotary.OriginalContext),
        };
    }

    /// <summary>Gated feed-forward network of layer <paramref name="layer"/>: <c>ffn_gate</c>, <c>ffn_up</c>, <c>ffn_down</c>.</summary>
    public IFeedForward GatedMlp(int layer, Activation activation, string prefix = "ffn", string suffix = "", int? width = null)
    {
        int inner = width ?? Config.FeedForwardLength[layer];
        string gate = Name(layer, $"{prefix}_gate{suffix}"), up = Name(layer, $"{prefix}_up{suffix}");
        return new GatedMlp(Weights.Fuse(Width, inner, gate, up), Weights.Linear(Name(layer, $"{prefix}_down{suffix}"), inner, Width), activation);
    }

    /// <summary>Gated feed-forward network whose <c>ffn_up</c> holds gate and up, gate first (Phi-3, GLM).</summary>
    public IFeedForward FusedGatedMlp(int layer, Activation activation)
    {
        int inner = Config.FeedForwardLength[layer];
        Linear gateUp = Weights.Linear(Name(layer, "ffn_up"), Width, 2 * inner);
        return new GatedMlp(gateUp, Weights.Linear(Name(layer, "ffn_down"), inner, Width), activation);
    }

    /// <summary>Plain feed-forward network of layer <paramref name="layer"/>: <c>ffn_up</c>, <c>ffn_down</c>.</summary>
    public IFeedForward Mlp(int layer, Activation activation)
    {
        int inner = Config.FeedForwardLength[layer];
        Linear up = Weights.Linear(Name(layer, "ffn_up"), Width, inner);
        return new Mlp(up, Weights.Linear(Name(layer, "ffn_down"), inner, Width), activation);
    }

    /// <summary>Whether layer <paramref name="layer"/> has a tensor of that name.</summary>
    public bool Has(int layer, string name) => Weights.Has(Name(layer, name));

    private static string Name(int layer, string name) => $"blk.{layer}.{name}";

    private Linear QueryKeyValue(int layer, AttentionTraits traits, AttentionShape shape)
    {
        int queries = shape.Heads * shape.HeadSize, keys = shape.KvHeads * shape.HeadSize, values = shape.KvHeads * shape.ValueSize;
        string prefix = traits.Prefix;
        if (Has(layer, prefix + "_qkv.weight")) return Weights.Linear(Name(layer, prefix + "_qkv"), Width, queries + keys + values);

        var q = Weights.Pair(Name(layer, prefix + "_q"), Width, traits.HasGate ? 2 * queries : queries);
        var k = Weights.Pair(Name(layer, prefix + "_k"), Width, keys);
        var v = Weights.Pair(Name(layer, prefix + "_v"), Width, values);
        if (!traits.HasGate) return Weights.Fuse(q, k, v);

        // Stored per head as query, gate; wanted as all queries, all gates: the order of rows is free to choose.
        var parts = new List<(StoredTensor, StoredTensor?)>();
        for (int half = 0; half < 2; half++)
            for (int h = 0; h < shape.Heads; h++) parts.Add((q.Weight.RowRange(((2 * h) + half) * shape.HeadSize, shape.HeadSize), null));
        parts.Add(k);
        parts.Add(v);
        return Weights.Fuse([.. parts]);
    }

    private static float[] Floats(StoredTensor tensor)
    {
        float[] values = new float[tensor.ElementCount];
        tensor.DecodeTo(values);
        return values;
    }

    private INorm? HeadNorm(string name, QueryKeyNorm kind, int heads)
    {
        switch (kind)
        {
            case QueryKeyNorm.RmsPerHead or QueryKeyNorm.RmsPerHeadAfterRotation:
                return RmsNorm(name, Config.KeySize);
            case QueryKeyNorm.RmsWhole:
                return RmsNorm(name, heads * Config.KeySize);
            case QueryKeyNorm.OptionalLayerNormPerHead when Weights.Find(name + ".weight", Config.KeySize, heads) is { } weight:
                return new LayerNorm(Config.Epsilon, Weights.Floats(weight), bias: null);
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
