using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Quantization;

public sealed class TensorCodecTests
{
    public static readonly TensorType[] GoldenTypes =
    [
        TensorType.Q4_0, TensorType.Q4_1, TensorType.Q5_0, TensorType.Q5_1, TensorType.Q8_0, TensorType.Q2_K, TensorType.Q3_K, TensorType.Q4_K,
        TensorType.Q5_K, TensorType.Q6_K, TensorType.IQ4_NL, TensorType.IQ4_XS, TensorType.MXFP4, TensorType.TQ1_0, TensorType.TQ2_0,
    ];

    [TestCaseSource(nameof(GoldenTypes))]
    public void DecodesToTheGoldenBits(TensorType type)
    {
        var bytes = Load(type, "bytes");
        var expected = Load(type, "dequant").Floats;
        var values = new float[expected.Length];
        TensorCodec.Decode(type, bytes.Data, values);
        Assert.That(values.Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.Select(BitConverter.SingleToInt32Bits)));
    }

    [TestCaseSource(nameof(GoldenTypes))]
    public void EncodesToTheGoldenBytes(TensorType type)
    {
        float[] input = Npy.Load(Golden.Path("quant/input.npy")).Floats;
        byte[] expected = Load(type, "bytes").Data;
        var bytes = new byte[expected.Length];
        Random.Shared.NextBytes(bytes);
        TensorCodec.Encode(type, input, bytes);
        int size = type.BlockBytes();
        for (int b = 0; b < bytes.Length / size; b++)
            Assert.That(Convert.ToHexString(bytes, b * size, size), Is.EqualTo(Convert.ToHexString(expected, b * size, size)), $"block {b}");
    }

    private static Npy Load(TensorType type, string what) => Npy.Load(Golden.Path($"quant/{type.ToString().ToLowerInvariant()}.{what}.npy"));
}
