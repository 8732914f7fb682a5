using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Bench;

/// <summary>A matrix product of a small model: the type of its weights and the rows of x, inputs and outputs that it really has.</summary>
public readonly record struct ProductCase(TensorType Type, string Layer, int Rows, int Inputs, int Outputs)
{
    private static readonly TensorType[] Types =
        [TensorType.Q8_0, TensorType.Q4_0, TensorType.Q5_0, TensorType.Q4_K, TensorType.Q6_K, TensorType.IQ4_NL, TensorType.F16, TensorType.F32];

    private static readonly (string Layer, int Rows, int Inputs, int Outputs)[] Layers =
    [
        ("SmolLM2-360M gate+up", 512, 960, 5120), ("SmolLM2-360M down", 512, 2560, 960), ("SigLIP-B up", 1024, 768, 3072), ("SigLIP-B down", 1024, 3072, 768),
        ("Qwen2-1.5B up", 1, 1536, 8960), ("Qwen2-1.5B down", 1, 8960, 1536),
    ];

    /// <summary>All types with all layers whose rows they can store: 960 is no multiple of the 256 values of a K type's block, and files hold such rows in another type.</summary>
    public static IEnumerable<ProductCase> All =>
        from type in Types
        from layer in Layers
        where layer.Inputs % type.BlockLength() == 0
        select new ProductCase(type, layer.Layer, layer.Rows, layer.Inputs, layer.Outputs);

    /// <summary>Multiply-adds of one product.</summary>
    public double MultiplyAdds => (double)Rows * Inputs * Outputs;

    /// <summary>Bytes of the weights.</summary>
    public long WeightBytes => Type.ByteCount((long)Inputs * Outputs);

    /// <inheritdoc/>
    public override string ToString() => $"{Type} {Layer} {Rows}x{Inputs}x{Outputs}";
}
