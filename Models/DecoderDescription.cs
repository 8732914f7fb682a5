using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Language;

namespace TinyMllm;

/// <summary>
/// A text decoder of the usual form, for <see cref="ModelFamilies.AddLanguage(string, DecoderDescription)"/>: token embedding; in each layer RMSNorm, attention, RMSNorm and
/// a feed-forward network, each pair added to the stream; RMSNorm and an output matrix, which may be the token embedding. Sizes and constants
/// are the file's, its tensors have llama.cpp's names (<c>blk.0.attn_q</c>, …); biases are used where the file has them.
/// </summary>
public sealed record DecoderDescription
{
    /// <summary>Which features of a head are turned together; null: positions do not turn anything.</summary>
    public RotaryPairing? Rotary { get; init; } = RotaryPairing.HalfSplit;

    /// <summary>Whether the file's frequency factors (<c>rope_freqs</c> and the like) count.</summary>
    public bool ReadsRotaryFactors { get; init; }

    /// <summary>Normalisation of queries and keys.</summary>
    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>Factor of the attention scores; 0: 1/√(key size).</summary>
    public float AttentionScale { get; init; }

    /// <summary>c of c·tanh(score/c) in attention; 0: none.</summary>
    public float AttentionSoftCap { get; init; }

    /// <summary>Tokens that a layer looks back, by its number, the present one included; 0, or null: all of them.</summary>
    public Func<int, int>? Window { get; init; }

    /// <summary>Activation of the feed-forward network.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>Whether the feed-forward network has a gate: act(gate·x) ∘ (up·x).</summary>
    public bool IsGated { get; init; } = true;

    /// <summary>Whether the weights of the chosen experts are scaled to the sum 1, in files that have experts.</summary>
    public bool NormalizesExperts { get; init; } = true;
}
