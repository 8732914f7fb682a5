namespace TinyMllm.Kernels.Quantization;

/// <summary>A tensor has a type that this engine knows by name and size only, such as the grid-coded IQ1, IQ2 and IQ3 types.</summary>
public sealed class UnsupportedTensorTypeException : NotSupportedException
{
    /// <summary>For <paramref name="type"/>.</summary>
    /// <param name="type">The type found.</param>
    /// <param name="purpose">What was asked of it: "decode" or "encode".</param>
    public UnsupportedTensorTypeException(TensorType type, string purpose)
        : base($"tensor type {type} ({(int)type}): cannot {purpose} it; "
            + "supported are floats, Q4_0 to Q8_0, Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4, NVFP4 and the ternary types") =>
        Type = type;

    /// <summary>The type found.</summary>
    public TensorType Type { get; }
}
