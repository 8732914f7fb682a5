using TinyMllm.Engine;

namespace TinyMllm.Language;

/// <summary>What a family fixes about its positions; the sizes come from the file.</summary>
internal sealed record RotaryTraits
{
    /// <summary>Which features form a pair.</summary>
    public required RotaryPairing Pairing { get; init; }

    /// <summary>
    /// Whether the file's frequency factors (<c>rope_freqs</c>, <c>rope_factors_long</c>, <c>rope_factors_short</c>) count.
    /// </summary>
    public bool ReadsFactors { get; init; }

    /// <summary>Whether the file's multimodal sections count.</summary>
    public bool HasSections { get; init; }

    /// <summary>Whether the sections take turns (Qwen3-VL).</summary>
    public bool Interleaved { get; init; }

    /// <summary>Base where the family fixes it or the layer has its own; null = the file's.</summary>
    public float? Base { get; init; }

    /// <summary>Whether the file's scaling counts (Gemma 3's windowed layers have none).</summary>
    public bool IsScaled { get; init; } = true;

    /// <summary>Turned features where it is not the file's count.</summary>
    public int? Dimensions { get; init; }

    /// <summary>λ of the YaRN magnitude where it is not the file's number.</summary>
    public float? YarnLogMultiplier { get; init; }

    /// <summary>deepseek2's form of the YaRN magnitude.</summary>
    public bool SameYarnMultiplier { get; init; }
}

/// <summary>Normalisation of queries and keys.</summary>
public enum QueryKeyNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>RMSNorm of each head, one weight for all.</summary>
    RmsPerHead,

    /// <summary>RMSNorm of each head after the rotation.</summary>
    RmsPerHeadAfterRotation,

    /// <summary>RMSNorm over all heads together.</summary>
    RmsWhole,

    /// <summary>LayerNorm of each head with a weight of its own, where the file has one.</summary>
    OptionalLayerNormPerHead,
}

/// <summary>What a family fixes about its attention; the sizes come from the file.</summary>
internal sealed record AttentionTraits
{
    /// <summary>Positions; null = none.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>Normalisation of queries and keys.</summary>
    public QueryKeyNorm Norm { get; init; }

    /// <summary>Factor of the scores; 0 = 1/√(key size).</summary>
    public float Scale { get; init; }

    /// <summary>c of c·tanh(score/c); 0 = none.</summary>
    public float SoftCap { get; init; }

    /// <summary>Tokens that the layer looks back; 0 = all.</summary>
    public int Window { get; init; }

    /// <summary>Whether <c>attn_q</c> holds a gate behind each head's query (Qwen3.5).</summary>
    public bool HasGate { get; init; }

    /// <summary>Growth of the queries with the position (Mistral 3); 0 = none.</summary>
    public float TemperatureScale { get; init; }

    /// <summary>Start of the tensors' names: <c>attn</c>, or <c>vis_attn</c> for CogVLM's picture rows.</summary>
    public string Prefix { get; init; } = "attn";
}
