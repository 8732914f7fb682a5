namespace TinyMllm.Engine;

/// <summary>Which two features of a head are turned together.</summary>
public enum RotaryPairing
{
    /// <summary>Features 2p and 2p + 1 (the form of the paper; llama, granite, minicpm, … as stored in GGUF).</summary>
    Adjacent,

    /// <summary>Features p and p + r/2 (GPT-NeoX; qwen, phi, gemma, …).</summary>
    HalfSplit,
}

/// <summary>What a <see cref="RotaryEmbedding"/> of a text decoder is made from (docs/models/text.md#rotary-embedding).</summary>
public sealed record RotaryOptions
{
    /// <summary>Pairing of features.</summary>
    public required RotaryPairing Pairing { get; init; }

    /// <summary>Features of a head that are turned, r; even.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Base of the frequencies, θ: pair p has θ^(−2p/r).</summary>
    public float Base { get; init; } = 10000;

    /// <summary>Multiplies all angles: 1/factor of linear scaling.</summary>
    public float FrequencyScale { get; init; } = 1;

    /// <summary>Multiplies cosines and sines.</summary>
    public float Magnitude { get; init; } = 1;

    /// <summary>Divides the angle of each pair (Llama 3, longrope); null = 1.</summary>
    public float[]? FrequencyFactors { get; init; }

    /// <summary>YaRN scaling; null = none.</summary>
    public YarnOptions? Yarn { get; init; }

    /// <summary>Multimodal sections; null = one position per token.</summary>
    public RotarySections? Sections { get; init; }
}

/// <summary>
/// YaRN (arXiv:2309.00071): slow pairs are interpolated by <see cref="RotaryOptions.FrequencyScale"/>, fast ones left alone, with a ramp
/// between.
/// </summary>
/// <param name="OriginalContext">Context length the model was trained with before the extension.</param>
/// <param name="Factor">Extension factor.</param>
/// <param name="BetaFast">Turns within the original context above which a pair is left alone.</param>
/// <param name="BetaSlow">Turns below which it is interpolated fully.</param>
/// <param name="LogMultiplier">λ of the magnitude; 0 = the paper's 1 + 0.1·ln(factor).</param>
/// <param name="SameMultiplierAbove">deepseek2: the numerator of the magnitude uses λ too (so that the magnitude is 1) when λ ≠ 1.</param>
public sealed record YarnOptions(
    int OriginalContext,
    float Factor,
    float BetaFast = 32,
    float BetaSlow = 1,
    float LogMultiplier = 0,
    bool SameMultiplierAbove = false)
{
    /// <summary>Factor of cosines and sines.</summary>
    public float Magnitude
    {
        get
        {
            if (LogMultiplier == 0) return Grow(1);
            return Grow(SameMultiplierAbove && LogMultiplier != 1 ? LogMultiplier : 1) / Grow(LogMultiplier);
        }
    }

    /// <summary>Share of the uninterpolated angle in pair <paramref name="pair"/>, 0 … 1.</summary>
    public float Extrapolation(int pair, RotaryOptions options)
    {
        float low = MathF.Max(0, MathF.Floor(CorrectionDimension(BetaFast, options)));
        float high = MathF.Min(options.Dimensions - 1, MathF.Ceiling(CorrectionDimension(BetaSlow, options)));
        return 1 - Math.Clamp((pair - low) / MathF.Max(0.001f, high - low), 0, 1);
    }

    private float Grow(float multiplier) => Factor > 1 ? 1 + 0.1f * multiplier * MathF.Log(Factor) : 1;

    /// <summary>The (fractional) pair that makes <paramref name="turns"/> turns within the original context.</summary>
    private float CorrectionDimension(float turns, RotaryOptions options) =>
        options.Dimensions * MathF.Log(OriginalContext / (turns * 2 * MathF.PI)) / (2 * MathF.Log(options.Base));
}

/// <summary>
/// How multimodal rotary embedding (M-RoPE, Qwen2-VL) deals the pairs of a head to the axes of a position: time, height, width and a
/// spare one.
/// </summary>
/// <param name="Time">Pairs that turn with the time axis.</param>
/// <param name="Height">Pairs that turn with the row of the picture.</param>
/// <param name="Width">Pairs that turn with the column of the picture.</param>
/// <param name="Extra">Pairs of the fourth axis.</param>
/// <param name="Interleaved">Qwen3-VL: axes take turns (t h w t h w …) instead of forming blocks.</param>
/// <param name="LeftoverTurnsWithTime">
/// Interleaved sections that end before the last pairs (Qwen3-VL: 61 and 62 of 64): the original turns these with the time axis;
/// llama.cpp with the fourth axis, which is 0.
/// </param>
public sealed record RotarySections(int Time, int Height, int Width, int Extra, bool Interleaved, bool LeftoverTurnsWithTime = false)
{
    /// <summary>Axis of pair <paramref name="pair"/>: 0 time, 1 height, 2 width, 3 extra.</summary>
    public int Axis(int pair)
    {
        int q = pair % Math.Max(1, Time + Height + Width + Extra);
        if (!Interleaved) return q < Time ? 0 : q < Time + Height ? 1 : q < Time + Height + Width ? 2 : 3;
        return (q % 3) switch
        {
            1 when q < 3 * Height => 1,
            2 when q < 3 * Width => 2,
            0 when q < 3 * Time => 0,
            _ => LeftoverTurnsWithTime ? 0 : 3,
        };
    }
}
