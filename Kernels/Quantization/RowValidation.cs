using System.Numerics;
using System.Runtime.CompilerServices;
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
        TensorType.F32 => FirstWithExponent(blocks, 0x7F800000u),
        TensorType.F64 => FirstWithExponent(blocks, 0x7FF0000000000000uL),
        TensorType.F16 => FirstWithExponent(blocks, (ushort)0x7C00),
        TensorType.BF16 => FirstWithExponent(blocks, (ushort)0x7F80),
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
    public static bool IsFinite(ReadOnlySpan<float> values) => FirstWithExponent(MemoryMarshal.AsBytes(values), 0x7F800000u) < 0;

    /// <summary>Index of the first float, taken as an integer of its width, all of whose exponent bits are set; −1 if none.</summary>
    private static long FirstWithExponent<T>(ReadOnlySpan<byte> bytes, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        var mask = Vector256.Create(exponent);
        int i = 0;
        for (; i <= values.Length - Vector256<T>.Count; i += Vector256<T>.Count)
            if (Vector256.EqualsAny(Vector256.Create(values.Slice(i, Vector256<T>.Count)) & mask, mask)) break;
        for (; i < values.Length; i++)
            if ((values[i] & exponent) == exponent) return i;
        return -1;
    }

    private static long FirstBlock<TBlock>(ReadOnlySpan<byte> bytes)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        // By reference: a copy of the block would cost more than the look at its scales.
        int count = bytes.Length / Unsafe.SizeOf<TBlock>();
        ref TBlock first = ref Unsafe.As<byte, TBlock>(ref MemoryMarshal.GetReference(bytes));
        for (int i = 0; i < count; i++)
            if (!Unsafe.Add(ref first, i).IsValid) return i;
        return -1;
    }
}
