using System.Buffers.Binary;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Tests.Support;

/// <summary>Weights in every format, also in those that this library reads but does not write.</summary>
internal static class RandomBlocks
{
    /// <summary>
    /// <paramref name="values"/> encoded, or as many random weights of about their size where the format cannot be written: every bit pattern of the quants is valid. Among these blocks
    /// are some with all bits set and some with none.
    /// </summary>
    public static void Fill(TensorType type, ReadOnlySpan<float> values, Span<byte> blocks)
    {
        if (TensorCodec.CanEncode(type))
        {
            TensorCodec.Encode(type, values, blocks);
            return;
        }

        var random = new Random(values.Length);
        random.NextBytes(blocks);
        int size = type.BlockBytes();
        for (int b = 0; b < blocks.Length / size; b++)
        {
            Span<byte> block = blocks.Slice(b * size, size);
            if (random.Next(8) == 0) block.Fill((byte)-random.Next(2));
            SetScale(type, block, (Half)((random.NextSingle() + 0.5f) * (random.Next(2) == 0 ? 0.006f : -0.006f)));
        }
    }

    private static void SetScale(TensorType type, Span<byte> block, Half scale)
    {
        ushort bits = BitConverter.HalfToUInt16Bits(scale);
        if (type != TensorType.IQ1_M)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(block, bits);
            return;
        }

        for (int i = 0; i < 4; i++)
        {
            ref byte high = ref block[48 + (2 * i) + 1];
            high = (byte)((high & 15) | (((bits >> (4 * i)) & 15) << 4));
        }
    }
}
