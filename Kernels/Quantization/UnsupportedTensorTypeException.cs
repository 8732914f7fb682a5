using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>A type was asked for that this engine does not know, or one that it reads but does not write.</summary>
public sealed class UnsupportedTensorTypeException : TinyMllmException
{
    /// <summary>For <paramref name="type"/>.</summary>
    /// <param name="type">The type found.</param>
    /// <param name="purpose">What was asked of it: "decode" or "encode".</param>
    public UnsupportedTensorTypeException(TensorType type, string purpose)
        : base(TinyMllmErrorKind.UnsupportedModel, $"tensor type {type} ({(int)type}): cannot {purpose} it; supported are {Supported(purpose)}") =>
        Type = type;

    /// <summary>The type found.</summary>
    public TensorType Type { get; }

    private static string Supported(string purpose) =>
        string.Join(", ", Formats.Formats.All.Where(format => purpose != "encode" || format.CanEncode).Select(format => format.Name));
}
