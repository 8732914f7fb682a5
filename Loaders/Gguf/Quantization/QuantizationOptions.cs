using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf.Quantization;

/// <summary>How <see cref="ModelQuantizer"/> works.</summary>
public sealed record QuantizationOptions
{
    /// <summary>What to quantise to.</summary>
    public required QuantizationMix Mix { get; init; }

    /// <summary>Every matrix gets the mix's main type: no better output matrix, no better layers.</summary>
    public bool Pure { get; init; }

    /// <summary>Allows tensors that are quantised already to be quantised again, which loses more than starting from floats.</summary>
    public bool AllowRequantize { get; init; }

    /// <summary>Threads that encode; 0 = one per processor. The result does not depend on it.</summary>
    public int Threads { get; init; }
}

/// <summary>What became of one tensor.</summary>
/// <param name="Index">Number of the tensor, from 0, in the order of the output.</param>
/// <param name="Count">Number of tensors.</param>
/// <param name="Name">Its name.</param>
/// <param name="From">Type in the input.</param>
/// <param name="To">Type in the output.</param>
/// <param name="InputBytes">Its size in the input.</param>
/// <param name="OutputBytes">Its size in the output.</param>
public readonly record struct QuantizedTensor(
    int Index, int Count, string Name, TensorType From, TensorType To, long InputBytes, long OutputBytes);

/// <summary>A model cannot be quantised as asked. The message names the tensor.</summary>
public sealed class QuantizationException : TinyMllmException
{
    /// <summary>An error about one tensor.</summary>
    public QuantizationException(string file, string tensor, string problem)
        : base(TinyMllmErrorKind.Quantization, $"{file}: tensor '{tensor}': {problem}")
    {
    }
}
