using TinyMllm.Language.Families;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Language;

/// <summary>
/// Reads a <see cref="LanguageConfig"/> from the keys of a GGUF file; every number is checked before anything is allocated by it.
/// </summary>
internal sealed class LanguageConfigReader
{
    private const int MaxLayers = 1024;
    private const int MaxWidth = 1 << 20;
    private const int MaxVocabulary = 1 << 22;
    private const int MaxContext = 1 << 28;

    private readonly GgufMetadata _metadata;
    private readonly LanguageFamily _family;
    private readonly string _architecture;

    private LanguageConfigReader(GgufMetadata metadata, LanguageFamily family, string architecture) =>
        (_metadata, _family, _architecture) = (metadata, family, architecture);

    /// <summary>Reads the configuration of <paramref name="file"/>.</summary>
    /// <param name="file">The file.</param>
    /// <param name="family">The family of its architecture, which knows what files may leave out.</param>
    /// <exception cref="UnsupportedModelException">A key is missing or its value cannot be.</exception>
    public static LanguageConfig Read(GgufFile file, LanguageFamily family) =>
        new LanguageConfigReader(file.Metadata, family, file.Architecture).Read();

    private LanguageConfig Read()
    {
        int width = Required("embedding_length", 1, MaxWidth);
        int stored = Required("block_count", 1, MaxLayers);
        int layers = stored - Optional("nextn_predict_layers", 0, 0, stored - 1);
        int context = Required("context_length", 1, MaxContext);
        int[] heads = PerLayer("attention.head_count", layers, 0);
        int[] kvHeads = PerLayer("attention.head_count_kv", layers, -1);
        for (int i = 0; i < layers; i++)
        {
            if (kvHeads[i] < 0) kvHeads[i] = heads[i];
            if (kvHeads[i] > 0 && heads[i] % kvHeads[i] != 0)
                throw Wrong("attention.head_count_kv", kvHeads[i], $"a divisor of the {heads[i]} heads of layer {i}");
        }

        int widestHeads = heads.Max();
        int headSize = widestHeads == 0 ? 0 : width / widestHeads;
        int keySize = Optional("attention.key_length", headSize, 0, MaxWidth);
        return new LanguageConfig
        {
            Architecture = _architecture,
            ContextLength = context,
            EmbeddingLength = width,
            Layers = layers,
            VocabularySize = ReadVocabularySize(),
            FeedForwardLength = PerLayer("feed_forward_length", layers, 0),
            Heads = heads,
            KvHeads = kvHeads,
            KeySize = keySize,
            ValueSize = Optional("attention.value_length", headSize, 0, MaxWidth),
            Epsilon = ReadEpsilon(),
            Rotary = ReadRotary(keySize, context),
            AttentionScale = Single("attention.scale", 0),
            AttentionSoftCap = Single("attn_logit_softcapping", 0),
            SlidingWindow = Optional("attention.sliding_window", 0, 0, int.MaxValue),
            WindowedLayers = Flags("attention.sliding_window_pattern", layers),
            WindowPeriod = ReadWindowPeriod(),
            Experts = ReadExperts(layers),
            Latent = ReadLatent(),
            StateSpace = ReadStateSpace(layers),
            ShortConvolutionKernel = Optional("shortconv.l_cache", 0, 0, 64),
            EmbeddingScale = SingleOrNull("embedding_scale"),
            ResidualScale = SingleOrNull("residual_scale"),
            LogitScale = SingleOrNull("logit_scale"),
            LogitSoftCap = Single("final_logit_softcapping", 0),
            DeepstackLayers = Optional("n_deepstack_layers", 0, 0, layers),
            DeepstackMapping = ReadDeepstackMapping(layers),
        };
    }

    private int ReadVocabularySize()
    {
        // The list of tokens is what the matrices were made for; the key only counts in files without one.
        if (_metadata.TryGetValue("tokenizer.ggml.tokens", out var tokens) && tokens.Count is > 0 and <= MaxVocabulary) return tokens.Count;
        if (_metadata.TryGetInt32(Key("vocab_size"), out int size) && size is > 0 and <= MaxVocabulary) return size;
        throw new UnsupportedModelException(
            $"{_metadata.Path}: neither key '{Key("vocab_size")}' nor 'tokenizer.ggml.tokens' gives a vocabulary");
    }

    private float ReadEpsilon()
    {
        float value = SingleOrNull("attention.layer_norm_rms_epsilon") ?? SingleOrNull("attention.layer_norm_epsilon")
            ?? _family.DefaultEpsilon(_architecture) ?? throw Missing("attention.layer_norm_rms_epsilon");
        return value is >= 0 and < 1 ? value : throw Wrong("attention.layer_norm_rms_epsilon", value, "0 … 1");
    }

    private int ReadWindowPeriod()
    {
        const string name = "attention.sliding_window_pattern";
        bool isList = _metadata.TryGetValue(Key(name), out var value) && value.Type == GgufValueType.Array;
        return isList ? 0 : Optional(name, 0, 0, MaxLayers);
    }

    private RotaryConfig ReadRotary(int keySize, int context)
    {
        float factor = SingleOrNull("rope.scaling.factor") ?? Single("rope.scale_linear", 0);
        if (!(factor >= 0 && float.IsFinite(factor))) throw Wrong("rope.scaling.factor", factor, "a positive number");
        string scaling = _metadata.GetString(Key("rope.scaling.type"), "linear") ?? "linear";
        return new RotaryConfig(
            Optional("rope.dimension_count", keySize, 0, keySize),
            Single("rope.freq_base", 10000),
            Single("rope.freq_base_swa", 10000))
        {
            Scaling = scaling,
            Factor = factor == 0 || scaling == "none" ? 1 : factor,
            OriginalContext = Optional("rope.scaling.original_context_length", context, 1, MaxContext),
            AttentionFactor = Single("rope.scaling.attn_factor", 1),
            Alpha = Single("rope.scaling.alpha", 0),
            Finetuned = _metadata.GetBoolean(Key("rope.scaling.finetuned"), true),
            Sections = ReadSections(),
            YarnLogMultiplier = Single("rope.scaling.yarn_log_multiplier", 0),
            BetaFast = Single("rope.scaling.yarn_beta_fast", 32),
            BetaSlow = Single("rope.scaling.yarn_beta_slow", 1),
            TemperatureScale = Single("attention.temperature_scale", 0),
        };
    }

    /// <summary>Pairs per axis; null if absent or all zero, as some converters write for text models.</summary>
    private int[]? ReadSections()
    {
        const string name = "rope.dimension_sections";
        if (!_metadata.TryGetInt32Array(Key(name), out int[]? sections) || sections.All(count => count == 0)) return null;
        if (sections.Length < 3) throw Wrong(name, $"a list of {sections.Length}", "three or four numbers");
        foreach (int count in sections) InRange(name, count, 0, MaxWidth);
        return sections;
    }

    private int[]? ReadDeepstackMapping(int layers)
    {
        const string name = "deepstack_mapping";
        if (!_metadata.TryGetInt32Array(Key(name), out int[]? mapping)) return null;
        return mapping.Length >= layers ? mapping : throw Wrong(name, $"a list of {mapping.Length}", $"one number for each of {layers} layers");
    }

    private ExpertConfig? ReadExperts(int layers)
    {
        int count = Optional("expert_count", 0, 0, 4096);
        if (count == 0) return null;
        int used = Required("expert_used_count", 1, count);
        int groups = Optional("expert_group_count", 0, 0, count);
        if (groups > 1 && count % groups != 0) throw Wrong("expert_group_count", groups, $"a divisor of the {count} experts");
        return new ExpertConfig(count, used)
        {
            FeedForwardLength = Optional("expert_feed_forward_length", 0, 0, MaxWidth),
            SharedFeedForwardLength = Optional("expert_shared_feed_forward_length", 0, 0, MaxWidth),
            SharedCount = Optional("expert_shared_count", 0, 0, 4096),
            LeadingDenseLayers = Optional("leading_dense_block_count", 0, 0, layers),
            WeightsScale = Single("expert_weights_scale", 0),
            WeightsNorm = _metadata.TryGetBoolean(Key("expert_weights_norm"), out bool norm) ? norm : null,
            Gating = Optional("expert_gating_func", 0, 0, 3),
            Groups = groups,
            GroupsUsed = Optional("expert_group_used_count", 0, 0, groups),
        };
    }

    private LatentConfig? ReadLatent()
    {
        int rank = Optional("attention.kv_lora_rank", 0, 0, MaxWidth);
        if (rank == 0) return null;
        bool split = _metadata.TryGetInt32(Key("attention.key_length_mla"), out _);
        string suffix = split ? "_mla" : "";
        return new LatentConfig(
            rank,
            Optional("attention.q_lora_rank", 0, 0, MaxWidth),
            Required("attention.key_length" + suffix, 1, MaxWidth),
            Required("attention.value_length" + suffix, 1, MaxWidth),
            split);
    }

    private StateSpaceConfig? ReadStateSpace(int layers)
    {
        int inner = Optional("ssm.inner_size", 0, 0, MaxWidth);
        if (inner == 0) return null;
        return new StateSpaceConfig(
            Required("ssm.conv_kernel", 2, 64),
            inner,
            Required("ssm.state_size", 1, 4096),
            Required("ssm.time_step_rank", 1, MaxWidth),
            Optional("ssm.group_count", 1, 1, inner),
            _metadata.GetBoolean(Key("ssm.dt_b_c_rms"), false))
        {
            RecurrentLayers = Flags("attention.recurrent_layers", layers),
            FullAttentionInterval = Optional("full_attention_interval", 4, 1, MaxLayers),
        };
    }

    private string Key(string name) => $"{_architecture}.{name}";

    private int Required(string name, int min, int max) =>
        _metadata.TryGetInt32(Key(name), out int value) ? InRange(name, value, min, max) : throw Missing(name);

    private int Optional(string name, int absent, int min, int max) =>
        _metadata.TryGetInt32(Key(name), out int value) ? InRange(name, value, min, max) : absent;

    private int InRange(string name, int value, int min, int max) =>
        value >= min && value <= max ? value : throw Wrong(name, value, $"{min} … {max}");

    private float? SingleOrNull(string name) => _metadata.TryGetSingle(Key(name), out float value) ? value : null;

    private float Single(string name, float absent)
    {
        float value = SingleOrNull(name) ?? absent;
        return float.IsFinite(value) ? value : throw Wrong(name, value, "a finite number");
    }

    /// <summary>One flag per layer; null if the key is absent or a single number.</summary>
    private bool[]? Flags(string name, int layers) =>
        _metadata.TryGetValue(Key(name), out var value) && value.Type == GgufValueType.Array
        && _metadata.TryGetBooleanArray(Key(name), out bool[]? flags) && flags.Length >= layers ? flags : null;

    private int[] PerLayer(string name, int layers, int absent)
    {
        if (!_metadata.Contains(Key(name))) return [.. Enumerable.Repeat(absent, layers)];
        int[] values = _metadata.GetInt32PerLayer(Key(name), layers);
        foreach (int value in values) InRange(name, value, 0, MaxWidth);
        return values;
    }

    private UnsupportedModelException Missing(string name) => new($"{_metadata.Path}: key '{Key(name)}' is missing");

    private UnsupportedModelException Wrong(string name, object found, string expected) =>
        new($"{_metadata.Path}: key '{Key(name)}' is {found}, expected {expected}");
}
