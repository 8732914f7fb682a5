using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// Between stored blocks and float32, for every type that the engine computes with. Results are the same bits on every machine:
/// decoding is exact by definition, encoding follows the reference quantiser (no importance matrix).
/// </summary>
public static class TensorCodec
{
    /// <summary>Can <see cref="Decode"/> read this type?</summary>
    public static bool CanDecode(TensorType type) => IsPlain(type) || (type.IsQuantized() && !IsGrid(type));

    /// <summary>Can <see cref="Encode"/> write this type?</summary>
    public static bool CanEncode(TensorType type) =>
        type is TensorType.F32 or TensorType.F16 or TensorType.BF16 || (type.IsQuantized() && !IsGrid(type));

    /// <summary>Decodes as many values as <paramref name="values"/> holds, a multiple of the block length.</summary>
    /// <param name="type">Type of the blocks.</param>
    /// <param name="blocks">Stored bytes.</param>
    /// <param name="values">Receives the values.</param>
    /// <exception cref="UnsupportedTensorTypeException">The type cannot be decoded.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Decode(TensorType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        CheckLengths(type, values.Length, blocks.Length);
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.Cast<byte, float>(blocks)[..values.Length].CopyTo(values); break;
            case TensorType.F16: HalfConversion.ToSingle(MemoryMarshal.Cast<byte, Half>(blocks), values); break;
            case TensorType.BF16: BFloat16.ToSingle(MemoryMarshal.Cast<byte, ushort>(blocks), values); break;
            case TensorType.F64: Convert<double>(blocks, values, v => (float)v); break;
            case TensorType.I8: Convert<sbyte>(blocks, values, v => v); break;
            case TensorType.I16: Convert<short>(blocks, values, v => v); break;
            case TensorType.I32: Convert<int>(blocks, values, v => v); break;
            case TensorType.I64: Convert<long>(blocks, values, v => v); break;
            case TensorType.Q4_0: DecodeBlocks<Q4_0>(blocks, values); break;
            case TensorType.Q4_1: DecodeBlocks<Q4_1>(blocks, values); break;
            case TensorType.Q5_0: DecodeBlocks<Q5_0>(blocks, values); break;
            case TensorType.Q5_1: DecodeBlocks<Q5_1>(blocks, values); break;
            case TensorType.Q8_0: DecodeBlocks<Q8_0>(blocks, values); break;
            case TensorType.Q8_1: DecodeBlocks<Q8_1>(blocks, values); break;
            case TensorType.Q2_K: DecodeBlocks<Q2_K>(blocks, values); break;
            case TensorType.Q3_K: DecodeBlocks<Q3_K>(blocks, values); break;
            case TensorType.Q4_K: DecodeBlocks<Q4_K>(blocks, values); break;
            case TensorType.Q5_K: DecodeBlocks<Q5_K>(blocks, values); break;
            case TensorType.Q6_K: DecodeBlocks<Q6_K>(blocks, values); break;
            case TensorType.Q8_K: DecodeBlocks<Q8_K>(blocks, values); break;
            case TensorType.IQ4_NL: DecodeBlocks<IQ4_NL>(blocks, values); break;
            case TensorType.IQ4_XS: DecodeBlocks<IQ4_XS>(blocks, values); break;
            case TensorType.MXFP4: DecodeBlocks<MXFP4>(blocks, values); break;
            case TensorType.NVFP4: DecodeBlocks<NVFP4>(blocks, values); break;
            case TensorType.TQ1_0: DecodeBlocks<TQ1_0>(blocks, values); break;
            case TensorType.TQ2_0: DecodeBlocks<TQ2_0>(blocks, values); break;
            case TensorType.Q1_0: DecodeBlocks<Q1_0>(blocks, values); break;
            case TensorType.Q2_0: DecodeBlocks<Q2_0>(blocks, values); break;
            default: throw new UnsupportedTensorTypeException(type, "decode");
        }
    }

    /// <summary>Encodes all of <paramref name="values"/>, a multiple of the block length.</summary>
    /// <param name="type">Type of the blocks.</param>
    /// <param name="values">What to store.</param>
    /// <param name="blocks">Receives the bytes.</param>
    /// <exception cref="UnsupportedTensorTypeException">The type cannot be encoded.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Encode(TensorType type, ReadOnlySpan<float> values, Span<byte> blocks)
    {
        CheckLengths(type, values.Length, blocks.Length);
        switch (type)
        {
            case TensorType.F32: values.CopyTo(MemoryMarshal.Cast<byte, float>(blocks)); break;
            case TensorType.F16: HalfConversion.FromSingle(values, MemoryMarshal.Cast<byte, Half>(blocks)); break;
            case TensorType.BF16: BFloat16.FromSingle(values, MemoryMarshal.Cast<byte, ushort>(blocks)); break;
            case TensorType.Q4_0: EncodeBlocks<Q4_0>(values, blocks); break;
            case TensorType.Q4_1: EncodeBlocks<Q4_1>(values, blocks); break;
            case TensorType.Q5_0: EncodeBlocks<Q5_0>(values, blocks); break;
            case TensorType.Q5_1: EncodeBlocks<Q5_1>(values, blocks); break;
            case TensorType.Q8_0: EncodeBlocks<Q8_0>(values, blocks); break;
            case TensorType.Q8_1: EncodeBlocks<Q8_1>(values, blocks); break;
            case TensorType.Q2_K: EncodeBlocks<Q2_K>(values, blocks); break;
            case TensorType.Q3_K: EncodeBlocks<Q3_K>(values, blocks); break;
            case TensorType.Q4_K: EncodeBlocks<Q4_K>(values, blocks); break;
            case TensorType.Q5_K: EncodeBlocks<Q5_K>(values, blocks); break;
            case TensorType.Q6_K: EncodeBlocks<Q6_K>(values, blocks); break;
            case TensorType.Q8_K: EncodeBlocks<Q8_K>(values, blocks); break;
            case TensorType.IQ4_NL: EncodeBlocks<IQ4_NL>(values, blocks); break;
            case TensorType.IQ4_XS: EncodeBlocks<IQ4_XS>(values, blocks); break;
            case TensorType.MXFP4: EncodeBlocks<MXFP4>(values, blocks); break;
            case TensorType.NVFP4: EncodeBlocks<NVFP4>(values, blocks); break;
            case TensorType.TQ1_0: EncodeBlocks<TQ1_0>(values, blocks); break;
            case TensorType.TQ2_0: EncodeBlocks<TQ2_0>(values, blocks); break;
            case TensorType.Q1_0: EncodeBlocks<Q1_0>(values, blocks); break;
            case TensorType.Q2_0: EncodeBlocks<Q2_0>(values, blocks); break;
            default: throw new UnsupportedTensorTypeException(type, "encode");
        }
    }

    private static void DecodeBlocks<TBlock>(ReadOnlySpan<byte> bytes, Span<float> values)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        var blocks = MemoryMarshal.Cast<byte, TBlock>(bytes);
        for (int b = 0; b < values.Length / TBlock.Length; b++) blocks[b].Decode(values.Slice(b * TBlock.Length, TBlock.Length));
    }

    /// <summary>Encodes blocks of one format, the plain way: the oracle.</summary>
    internal static void EncodePlainly<TBlock>(ReadOnlySpan<float> values, Span<byte> bytes)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        var blocks = MemoryMarshal.Cast<byte, TBlock>(bytes);
        for (int b = 0; b < values.Length / TBlock.Length; b++) TBlock.Encode(values.Slice(b * TBlock.Length, TBlock.Length), ref blocks[b]);
    }

    private static void EncodeBlocks<TBlock>(ReadOnlySpan<float> values, Span<byte> bytes)
        where TBlock : unmanaged, IQuantizedBlock<TBlock> =>
        TBlock.EncodeRun(values, MemoryMarshal.Cast<byte, TBlock>(bytes)[..(values.Length / TBlock.Length)]);

    private static bool IsPlain(TensorType type) => type.BlockLength() == 1;

    private static bool IsGrid(TensorType type) => type is TensorType.IQ1_S or TensorType.IQ1_M or TensorType.IQ2_XXS or TensorType.IQ2_XS
        or TensorType.IQ2_S or TensorType.IQ3_XXS or TensorType.IQ3_S;

    private static void CheckLengths(TensorType type, int values, int bytes)
    {
        int length = type.BlockLength();
        if (length == 0) throw new UnsupportedTensorTypeException(type, "use");
        if (values % length != 0) throw new ArgumentException($"{values} values are not whole blocks of {length} ({type})");
        if (bytes < type.ByteCount(values))
            throw new ArgumentException($"{values} values of {type} take {type.ByteCount(values)} bytes, not {bytes}");
    }

    private static void Convert<T>(ReadOnlySpan<byte> bytes, Span<float> values, Func<T, float> convert)
        where T : unmanaged
    {
        var source = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++) values[i] = convert(source[i]);
    }
}
