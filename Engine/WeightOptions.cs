using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>In which precision the inputs of a matrix product with quantised weights are held.</summary>
public enum ActivationPrecision
{
    /// <summary>Inputs are rounded to 8 bits per block, products are summed as integers: fast, the way llama.cpp computes too.</summary>
    Integer,

    /// <summary>Weights are widened to float32 at load and everything is computed in float32: slow and large, for checking.</summary>
    Float32,
}

/// <summary>How <see cref="Linear"/> layers hold their weights.</summary>
public sealed record WeightOptions
{
    /// <summary>The defaults: weights as stored, integer products where the format allows.</summary>
    public static WeightOptions Default { get; } = new();

    /// <summary>Precision of the other operand of quantised weights.</summary>
    public ActivationPrecision Activations { get; init; } = ActivationPrecision.Integer;

    /// <summary>
    /// Requantises F32, F16 and BF16 matrices to this type at load; null keeps what is stored. Matrices whose row length the type's
    /// block does not divide stay as they are.
    /// </summary>
    public TensorType? Requantize { get; init; }

    /// <summary>
    /// Asks Linux to back the weights with pages of 2 MiB, which makes reading them faster. Other systems, and a Linux that has none, ignore it.
    /// </summary>
    public bool HugePages { get; init; } = true;
}
