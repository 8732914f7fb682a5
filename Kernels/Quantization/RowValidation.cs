using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// Looks for what would poison every result: NaN and infinities in plain floats and in the scales of blocks. Quants are not
/// looked at, every bit pattern of them is valid.
/// </summary>
public static class RowValidation
{
    /// <summary>
    /// Index of the first block (value, for plain types) that is not finite; −1 when all are. Types without a check pass.
    /// </summary>
    public static long FirstInvalidBlock(TensorType type, ReadOnlySpan<byte> blocks) => type switch
    {
        TensorType.F32 when IsFinite(MemoryMarshal.Cast<byte, float>(blocks)) => -1,
        TensorType.F32 => First<float>(blocks, v => !float.IsFinite(v)),
        TensorType.F64 => First<double>(blocks, v => !double.IsFinite(v)),
        TensorType.F16 => First<Half>(blocks, v => !Half.IsFinite(v)),
        TensorType.BF16 => First<ushort>(blocks, v => !float.IsFinite(BFloat16.ToSingle(v))),
        TensorType.Q4_0 => FirstBlock<Q4_0>(blocks),
        TensorType.Q4_1 => FirstBlock<Q4_1>(blocks),
        TensorType.Q5_0 => FirstBlock<Q5_0>(blocks),
        TensorType.Q5_1 => FirstBlock<Q5_1>(blocks),
        TensorType.Q8_0 => FirstBlock<Q8_0>(blocks),
        TensorType.Q8_1 => FirstBlock<Q8_1>(blocks),
        TensorType.Q2_K => FirstBlock<Q2_K>(blocks),
        TensorType.Q3_K => FirstBlock<Q3_K>(blocks),
        TensorType.Q4_K => FirstBlock<Q4_K>(blocks),
        TensorType.Q5_K => FirstBlock<Q5_K>(blocks),
        TensorType.Q6_K => FirstBlock<Q6_K>(blocks),
        TensorType.Q8_K => FirstBlock<Q8_K>(blocks),
        TensorType.IQ4_NL => FirstBlock<IQ4_NL>(blocks),
        TensorType.IQ4_XS => FirstBlock<IQ4_XS>(blocks),
        TensorType.MXFP4 => FirstBlock<MXFP4>(blocks),
        TensorType.TQ1_0 => FirstBlock<TQ1_0>(blocks),
        TensorType.TQ2_0 => FirstBlock<TQ2_0>(blocks),
        TensorType.Q1_0 => FirstBlock<Q1_0>(blocks),
        TensorType.Q2_0 => FirstBlock<Q2_0>(blocks),
        _ => -1,
    };

    /// <summary>Has no value the exponent of NaN and infinity?</summary>
    public static bool IsFinite(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var exponent = Vector256.Create(0x7F800000u);
        var hit = Vector256<uint>.Zero;
        int i = 0;
        for (; i <= bits.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
            hit |= Vector256.Equals(Vector256.Create(bits.Slice(i, Vector256<uint>.Count)) & exponent, exponent);
        for (; i < bits.Length; i++)
            if ((bits[i] & 0x7F800000) == 0x7F800000) return false;
        return hit == Vector256<uint>.Zero;
    }

    private static long First<T>(ReadOnlySpan<byte> bytes, Func<T, bool> isInvalid)
        where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++)
            if (isInvalid(values[i])) return i;
        return -1;
    }

    private static long FirstBlock<TBlock>(ReadOnlySpan<byte> bytes)
        where TBlock : unmanaged, IQuantizedBlock<TBlock> => First<TBlock>(bytes, block => !block.IsValid);
}
