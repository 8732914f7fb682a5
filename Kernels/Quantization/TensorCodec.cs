using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// Between stored blocks and float32, for every type that files carry. Results are the same bits on every machine:
/// decoding is exact by definition, encoding follows the reference quantiser (no importance matrix).
/// </summary>
public static class TensorCodec
{
    /// <summary>Can <see cref="Decode"/> read this type?</summary>
    public static bool CanDecode(TensorType type) => Format.Find(type) is not null;

    /// <summary>Can <see cref="Encode"/> write this type?</summary>
    public static bool CanEncode(TensorType type) => Format.Find(type) is { CanEncode: true };

    /// <summary>Decodes as many values as <paramref name="values"/> holds, a multiple of the block length.</summary>
    /// <param name="type">Type of the blocks.</param>
    /// <param name="blocks">Stored bytes.</param>
    /// <param name="values">Receives the values.</param>
    /// <exception cref="UnsupportedTensorTypeException">The type cannot be decoded.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Decode(TensorType type, ReadOnlySpan<byte> blocks, Span<float> values) =>
        Checked(type, "decode", values.Length, blocks.Length).Decode(blocks, values);

    /// <summary>Encodes all of <paramref name="values"/>, a multiple of the block length.</summary>
    /// <param name="type">Type of the blocks.</param>
    /// <param name="values">What to store.</param>
    /// <param name="blocks">Receives the bytes.</param>
    /// <exception cref="UnsupportedTensorTypeException">The type cannot be encoded.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Encode(TensorType type, ReadOnlySpan<float> values, Span<byte> blocks) =>
        Checked(type, "encode", values.Length, blocks.Length).Encode(values, blocks);

    private static Format Checked(TensorType type, string purpose, int values, int bytes)
    {
        Format format = Format.Find(type) ?? throw new UnsupportedTensorTypeException(type, purpose);
        if (values % format.BlockLength != 0) throw new ArgumentException($"{values} values are not whole blocks of {format.BlockLength} ({type})");
        if (bytes < type.ByteCount(values))
            throw new ArgumentException($"{values} values of {type} take {type.ByteCount(values)} bytes, not {bytes}");
        return format;
    }
}
