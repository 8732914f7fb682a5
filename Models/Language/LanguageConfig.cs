namespace TinyMllm.Language;

/// <summary>
/// Sizes and constants of a text decoder, as its GGUF file states them (docs/models/text.md#metadata). Keys that may hold one number or
/// one per layer are arrays with one entry per layer here.
/// </summary>
internal sealed record LanguageConfig
{
    /// <summary><c>general.architecture</c>, the prefix of all other keys.</summary>
    public required string Architecture { get; init; }

    /// <summary>Tokens of context that the model was trained for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Features of a token, n.</summary>
    public required int EmbeddingLength { get; init; }

    /// <summary>Layers that are run: stored layers less those that only predict further tokens.</summary>
    public required int Layers { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Inner width of the feed-forward network, per layer.</summary>
    public required int[] FeedForwardLength { get; init; }

    /// <summary>Query heads per layer.</summary>
    public required int[] Heads { get; init; }

    /// <summary>Key and value heads per layer; 0 marks a layer without attention in hybrid models.</summary>
    public required int[] KvHeads { get; init; }

    /// <summary>Features of one query or key head.</summary>
    public required int KeySize { get; init; }

    /// <summary>Features of one value head.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Epsilon of the normalisations.</summary>
    public required float Epsilon { get; init; }

    /// <summary>Positions.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>Factor of the attention scores; 0 = 1/√(key size).</summary>
    public float AttentionScale { get; init; }

    /// <summary>c of c·tanh(score/c); 0 = none.</summary>
    public float AttentionSoftCap { get; init; }

    /// <summary>Tokens that a windowed layer looks back, the present one included; 0 = no windows.</summary>
    public int SlidingWindow { get; init; }

    /// <summary>Per layer whether it is windowed; null = the file does not say.</summary>
    public bool[]? WindowedLayers { get; init; }

    /// <summary>Every how many layers one is not windowed; 0 = the file does not say.</summary>
    public int WindowPeriod { get; init; }

    /// <summary>Mixture of experts; null = none.</summary>
    public ExpertConfig? Experts { get; init; }

    /// <summary>Low-rank keys and values (DeepSeek-V2); null = none.</summary>
    public LatentConfig? Latent { get; init; }

    /// <summary>State-space or delta-net layers; null = none.</summary>
    public StateSpaceConfig? StateSpace { get; init; }

    /// <summary>Kernel length of LFM2's short convolutions; 0 = none.</summary>
    public int ShortConvolutionKernel { get; init; }

    /// <summary>Factor of the embeddings; null = the file does not say.</summary>
    public float? EmbeddingScale { get; init; }

    /// <summary>Factor of each branch before it is added to the stream; null = the file does not say.</summary>
    public float? ResidualScale { get; init; }

    /// <summary>Divisor of the logits; null = the file does not say.</summary>
    public float? LogitScale { get; init; }

    /// <summary>c of c·tanh(logit/c); 0 = none.</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>Layers after which a further slice of the picture's embedding is added (Qwen3-VL).</summary>
    public int DeepstackLayers { get; init; }

    /// <summary>
    /// Per layer the slice of the picture's embedding that is added before it, −1 = none (Granite 4 Vision); null = none at all.
    /// </summary>
    public int[]? DeepstackMapping { get; init; }

    /// <summary>
    /// Whether layer <paramref name="layer"/> sees only a window: by the file's list, else all but the last of each period.
    /// </summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="defaultPeriod">The architecture's period, for files that do not say.</param>
    public bool IsWindowed(int layer, int defaultPeriod)
    {
        if (SlidingWindow <= 0) return false;
        if (WindowedLayers is not null) return WindowedLayers[layer];
        int period = WindowPeriod > 0 ? WindowPeriod : defaultPeriod;
        return layer % period < period - 1;
    }
}

/// <summary>Rotary position embedding as the file states it (docs/models/text.md#rotary-embedding).</summary>
/// <param name="Dimensions">Features of a head that are turned, r.</param>
/// <param name="Base">θ.</param>
/// <param name="WindowedBase">θ of layers with a sliding window.</param>
internal sealed record RotaryConfig(int Dimensions, float Base, float WindowedBase)
{
    /// <summary><c>linear</c>, <c>none</c>, <c>yarn</c> or <c>longrope</c>.</summary>
    public string Scaling { get; init; } = "linear";

    /// <summary>Extension factor; 1 = none.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Context before the extension.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Factor of cosines and sines.</summary>
    public float AttentionFactor { get; init; } = 1;

    /// <summary>HunyuanOCR's NTK factor; 0 = none.</summary>
    public float Alpha { get; init; }

    /// <summary>Granite: false switches positions off.</summary>
    public bool Finetuned { get; init; } = true;

    /// <summary>Pairs per axis (time, height, width, extra); null = plain sequence.</summary>
    public int[]? Sections { get; init; }

    /// <summary>YaRN's λ as stored; 0 = none.</summary>
    public float YarnLogMultiplier { get; init; }

    /// <summary>YaRN: turns above which a pair is not interpolated.</summary>
    public float BetaFast { get; init; } = 32;

    /// <summary>YaRN: turns below which a pair is interpolated fully.</summary>
    public float BetaSlow { get; init; } = 1;

    /// <summary>Mistral 3: growth of the queries with the logarithm of the position; 0 = none.</summary>
    public float TemperatureScale { get; init; }
}

/// <summary>Mixture of experts as the file states it (docs/models/text.md#mixture-of-experts).</summary>
/// <param name="Count">Experts per layer.</param>
/// <param name="Used">Experts per token.</param>
internal sealed record ExpertConfig(int Count, int Used)
{
    /// <summary>Inner width of one expert; 0 = the file does not say.</summary>
    public int FeedForwardLength { get; init; }

    /// <summary>Inner width of the shared expert; 0 = the file does not say.</summary>
    public int SharedFeedForwardLength { get; init; }

    /// <summary>Shared experts.</summary>
    public int SharedCount { get; init; }

    /// <summary>First layers that have a plain feed-forward network.</summary>
    public int LeadingDenseLayers { get; init; }

    /// <summary>Factor of the weights; 0 or 1 = none.</summary>
    public float WeightsScale { get; init; }

    /// <summary>Whether the weights of the chosen experts are made to sum to one; null = the file does not say.</summary>
    public bool? WeightsNorm { get; init; }

    /// <summary>1 softmax, 2 sigmoid, 3 softmax over the chosen; 0 = the file does not say.</summary>
    public int Gating { get; init; }

    /// <summary>Groups that the experts form; 0 or 1 = none.</summary>
    public int Groups { get; init; }

    /// <summary>Groups that a token may use.</summary>
    public int GroupsUsed { get; init; }
}

/// <summary>Multi-head latent attention as the file states it (docs/models/text.md#latent-attention).</summary>
/// <param name="KvRank">Features of the shared latent vector, c.</param>
/// <param name="QueryRank">Rank of the queries; 0 = full.</param>
/// <param name="KeySize">Features of a head's key once expanded.</param>
/// <param name="ValueSize">Features of a head's value once expanded.</param>
/// <param name="IsSplit">Whether the expansion is stored as two tensors, <c>attn_k_b</c> and <c>attn_v_b</c>.</param>
internal sealed record LatentConfig(int KvRank, int QueryRank, int KeySize, int ValueSize, bool IsSplit);

/// <summary>State-space layers as the file states them (docs/models/text.md#gated-delta-net, #mamba).</summary>
/// <param name="ConvolutionKernel">Length of the causal convolution, K.</param>
/// <param name="InnerSize">Channels, D.</param>
/// <param name="StateSize">States per channel, N (delta net: head width S).</param>
/// <param name="TimeStepRank">Rank of the time step, R (mamba2: heads; delta net: value heads).</param>
/// <param name="Groups">Groups of B and C (delta net: key heads).</param>
/// <param name="NormalizesProjections">Whether Δ, B and C are RMS-normalised.</param>
internal sealed record StateSpaceConfig(
    int ConvolutionKernel, int InnerSize, int StateSize, int TimeStepRank, int Groups, bool NormalizesProjections)
{
    /// <summary>Per layer whether it is recurrent; null = the file does not say.</summary>
    public bool[]? RecurrentLayers { get; init; }

    /// <summary>Every how many layers one has full attention (Qwen3.5).</summary>
    public int FullAttentionInterval { get; init; } = 4;
}
