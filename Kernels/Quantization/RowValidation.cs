using System.Runtime.InteropServices;
using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// Looks for what would poison every result: NaN and infinities in plain floats and in the scales of blocks. Quants are not
/// looked at, every bit pattern of them is valid.
/// </summary>
public static class RowValidation
{
    /// <summary>Index of the first block (value, for plain types) that is not finite; −1 when all are.</summary>
    public static long FirstInvalidBlock(TensorType type, ReadOnlySpan<byte> blocks) => Format.Find(type)?.FirstInvalidBlock(blocks) ?? -1;

    /// <summary>Has no value the exponent of NaN and infinity?</summary>
    public static bool IsFinite(ReadOnlySpan<float> values) => Format.FirstWithExponent(MemoryMarshal.AsBytes(values), F32.Exponent) < 0;
}
