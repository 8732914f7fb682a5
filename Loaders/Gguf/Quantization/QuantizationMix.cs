using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf.Quantization;

/// <summary>
/// What a model is quantised to: a main type, and rules for which tensors deserve more bits. The values are those of the key
/// <c>general.file_type</c>.
/// </summary>
public enum QuantizationMix
{
    /// <summary>All matrices in F32.</summary>
    F32 = 0,

    /// <summary>All matrices in F16.</summary>
    F16 = 1,

    /// <summary>Q4_0, output matrix in Q6_K.</summary>
    Q4_0 = 2,

    /// <summary>Q4_1, output matrix in Q6_K.</summary>
    Q4_1 = 3,

    /// <summary>All matrices in Q8_0.</summary>
    Q8_0 = 7,

    /// <summary>Q5_0, output matrix in Q6_K.</summary>
    Q5_0 = 8,

    /// <summary>Q5_1, output matrix in Q6_K.</summary>
    Q5_1 = 9,

    /// <summary>Q2_K with Q3_K where it hurts most.</summary>
    Q2_K = 10,

    /// <summary>Q3_K nearly everywhere.</summary>
    Q3_K_S = 11,

    /// <summary>Q3_K with Q4_K and Q5_K where it helps most.</summary>
    Q3_K_M = 12,

    /// <summary>Q3_K with Q5_K where it helps most.</summary>
    Q3_K_L = 13,

    /// <summary>Q4_K nearly everywhere.</summary>
    Q4_K_S = 14,

    /// <summary>Q4_K with Q6_K where it helps most: the usual choice.</summary>
    Q4_K_M = 15,

    /// <summary>Q5_K nearly everywhere.</summary>
    Q5_K_S = 16,

    /// <summary>Q5_K with Q6_K where it helps most.</summary>
    Q5_K_M = 17,

    /// <summary>All matrices in Q6_K.</summary>
    Q6_K = 18,

    /// <summary>Q2_K nearly everywhere.</summary>
    Q2_K_S = 21,

    /// <summary>IQ4_NL, first layers better.</summary>
    IQ4_NL = 25,

    /// <summary>IQ4_XS, first layers better.</summary>
    IQ4_XS = 30,

    /// <summary>All matrices in BF16.</summary>
    BF16 = 32,

    /// <summary>TQ1_0, for models trained to ternary weights.</summary>
    TQ1_0 = 36,

    /// <summary>TQ2_0, for models trained to ternary weights.</summary>
    TQ2_0 = 37,

    /// <summary>Experts in MXFP4, everything else in Q8_0. With <see cref="QuantizationOptions.Pure"/> all matrices in MXFP4.</summary>
    MXFP4 = 38,

    /// <summary>NVFP4, output matrix in Q6_K.</summary>
    NVFP4 = 39,
}

/// <summary>Names and main types of <see cref="QuantizationMix"/>.</summary>
public static class QuantizationMixes
{
    /// <summary>All mixes, from many bits to few.</summary>
    public static IReadOnlyList<QuantizationMix> All { get; } =
    [
        QuantizationMix.F32, QuantizationMix.F16, QuantizationMix.BF16, QuantizationMix.Q8_0, QuantizationMix.Q6_K, QuantizationMix.Q5_K_M,
        QuantizationMix.Q5_K_S, QuantizationMix.Q5_1, QuantizationMix.Q5_0, QuantizationMix.Q4_K_M, QuantizationMix.Q4_K_S, QuantizationMix.Q4_1,
        QuantizationMix.Q4_0, QuantizationMix.IQ4_NL, QuantizationMix.IQ4_XS, QuantizationMix.MXFP4, QuantizationMix.NVFP4, QuantizationMix.Q3_K_L,
        QuantizationMix.Q3_K_M, QuantizationMix.Q3_K_S, QuantizationMix.Q2_K, QuantizationMix.Q2_K_S, QuantizationMix.TQ2_0, QuantizationMix.TQ1_0,
    ];

    /// <summary>Finds a mix by its name, in any case; <c>Q3_K</c>, <c>Q4_K</c> and <c>Q5_K</c> mean their medium forms.</summary>
    public static bool TryParse(string name, out QuantizationMix mix)
    {
        name = name.ToUpperInvariant() switch
        {
            "Q3_K" => "Q3_K_M",
            "Q4_K" => "Q4_K_M",
            "Q5_K" => "Q5_K_M",
            "MXFP4_MOE" => "MXFP4",
            var upper => upper,
        };
        foreach (var candidate in All)
        {
            mix = candidate;
            if (candidate.ToString() == name) return true;
        }

        mix = default;
        return false;
    }

    /// <summary>The type of most matrices.</summary>
    public static TensorType MainType(this QuantizationMix mix) => mix switch
    {
        QuantizationMix.F32 => TensorType.F32,
        QuantizationMix.F16 => TensorType.F16,
        QuantizationMix.BF16 => TensorType.BF16,
        QuantizationMix.Q4_0 => TensorType.Q4_0,
        QuantizationMix.Q4_1 => TensorType.Q4_1,
        QuantizationMix.Q5_0 => TensorType.Q5_0,
        QuantizationMix.Q5_1 => TensorType.Q5_1,
        QuantizationMix.Q8_0 => TensorType.Q8_0,
        QuantizationMix.Q2_K or QuantizationMix.Q2_K_S => TensorType.Q2_K,
        QuantizationMix.Q3_K_S or QuantizationMix.Q3_K_M or QuantizationMix.Q3_K_L => TensorType.Q3_K,
        QuantizationMix.Q4_K_S or QuantizationMix.Q4_K_M => TensorType.Q4_K,
        QuantizationMix.Q5_K_S or QuantizationMix.Q5_K_M => TensorType.Q5_K,
        QuantizationMix.Q6_K => TensorType.Q6_K,
        QuantizationMix.IQ4_NL => TensorType.IQ4_NL,
        QuantizationMix.IQ4_XS => TensorType.IQ4_XS,
        QuantizationMix.TQ1_0 => TensorType.TQ1_0,
        QuantizationMix.TQ2_0 => TensorType.TQ2_0,
        QuantizationMix.MXFP4 => TensorType.MXFP4,
        QuantizationMix.NVFP4 => TensorType.NVFP4,
        _ => throw new ArgumentOutOfRangeException(nameof(mix), mix, "not a mix"),
    };
}
