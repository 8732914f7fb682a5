using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Gguf.Quantization;

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

    /// <summary>
    /// The vectors of docs/formats/quantization.md#test-vectors: sequence A of 32 and B of 256 values, all exact in float32.
    /// </summary>
    [TestCaseSource(nameof(Vectors))]
    public void EncodesThePublishedVectors(string sequence, TensorType type, string hex)
    {
        float[] values = sequence == "A"
            ? [.. Enumerable.Range(0, 32).Select(j => ((((j * 37) + 11) % 64) - 32) / 16f)]
            : [.. Enumerable.Range(0, 256).Select(i => ((((i * i * 7) + (i * 13)) % 101) - 50) / 32f)];
        var bytes = new byte[type.ByteCount(values.Length)];
        TensorCodec.Encode(type, values, bytes);
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(hex));
    }

    public static IEnumerable<object[]> Vectors() =>
        from line in File.ReadLines(Golden.Path("quant/vectors.txt"))
        let fields = line.Split(' ')
        select new object[] { fields[0], Enum.Parse<TensorType>(fields[1]), fields[3] };

    /// <summary>Blocks of zeros (docs/formats/quantization.md#blocks-of-zeros).</summary>
    [TestCase(TensorType.Q4_0, "00808888888888888888888888888888 8888")]
    [TestCase(TensorType.Q5_0, "0080ffffffff00000000000000000000 000000000000")]
    [TestCase(TensorType.IQ4_NL, "00008888888888888888888888888888 8888")]
    [TestCase(TensorType.Q4_1, "")]
    [TestCase(TensorType.Q5_1, "")]
    [TestCase(TensorType.Q8_0, "")]
    [TestCase(TensorType.Q2_K, "")]
    [TestCase(TensorType.Q4_K, "")]
    [TestCase(TensorType.Q5_K, "")]
    [TestCase(TensorType.Q6_K, "")]
    [TestCase(TensorType.MXFP4, "")]
    public void EncodesZeros(TensorType type, string hex)
    {
        var bytes = new byte[type.BlockBytes()];
        Array.Fill(bytes, (byte)0x5A);
        TensorCodec.Encode(type, new float[type.BlockLength()], bytes);
        string expected = hex.Length > 0 ? hex.Replace(" ", "") : new string('0', 2 * bytes.Length);
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(expected));
    }

    /// <summary>Formats without goldens: the error of a round trip over normal noise is what their step size lets expect.</summary>
    [TestCase(TensorType.F32, 0)]
    [TestCase(TensorType.F16, 0.0003)]
    [TestCase(TensorType.BF16, 0.0021)]
    [TestCase(TensorType.Q8_1, 0.0054)]
    [TestCase(TensorType.Q8_K, 0.0075)]
    [TestCase(TensorType.NVFP4, 0.10)]
    [TestCase(TensorType.MXFP4, 0.116)]
    [TestCase(TensorType.Q4_K, 0.072)]
    [TestCase(TensorType.Q6_K, 0.0178)]
    [TestCase(TensorType.Q2_0, 0.80)]
    [TestCase(TensorType.Q1_0, 0.61)]
    public void RoundTripErrorIsSmall(TensorType type, double limit)
    {
        var random = new Random(11);
        float[] values = new float[12288];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        var bytes = new byte[type.ByteCount(values.Length)];
        var back = new float[values.Length];
        TensorCodec.Encode(type, values, bytes);
        TensorCodec.Decode(type, bytes, back);
        double rms = Math.Sqrt(values.Zip(back, (a, b) => (double)(a - b) * (a - b)).Average());
        Assert.That(rms, Is.LessThanOrEqualTo(limit).And.GreaterThanOrEqualTo(limit / 3));
        Assert.That(RowValidation.FirstInvalidBlock(type, bytes), Is.EqualTo(-1));
    }

    /// <summary>The codes of the 8-bit float scale find themselves; from 256 up the reference rounds all to 448.</summary>
    [Test]
    public void NvidiaScalesRoundTrip()
    {
        for (int code = 0; code < 120; code++)
            Assert.That(NVFP4.EncodeScale(2 * NVFP4.DecodeHalfScale((byte)code)), Is.EqualTo(code));
        Assert.That(NVFP4.DecodeHalfScale(0x7E) * 2, Is.EqualTo(448));
        Assert.That(NVFP4.EncodeScale(float.NaN), Is.Zero);
        Assert.That(NVFP4.EncodeScale(1e9f), Is.EqualTo(0x7E));
    }

    [TestCase(TensorType.IQ1_S)]
    [TestCase(TensorType.IQ1_M)]
    [TestCase(TensorType.IQ2_XXS)]
    [TestCase(TensorType.IQ2_XS)]
    [TestCase(TensorType.IQ2_S)]
    [TestCase(TensorType.IQ3_XXS)]
    [TestCase(TensorType.IQ3_S)]
    public void GridTypesAreNamedInTheError(TensorType type)
    {
        Assert.That(TensorCodec.CanDecode(type) || TensorCodec.CanEncode(type), Is.False);
        Assert.That(() => TensorCodec.Decode(type, new byte[512], new float[256]),
            Throws.TypeOf<UnsupportedTensorTypeException>().With.Message.Contains(type.ToString()));
        Assert.That(() => TensorCodec.Encode(type, new float[256], new byte[512]), Throws.TypeOf<UnsupportedTensorTypeException>());
    }

    [Test]
    public void LengthsAreChecked()
    {
        Assert.That(() => TensorCodec.Decode(TensorType.Q4_0, new byte[18], new float[31]), Throws.ArgumentException);
        Assert.That(() => TensorCodec.Decode(TensorType.Q4_0, new byte[17], new float[32]), Throws.ArgumentException);
        Assert.That(() => TensorCodec.Encode(TensorType.Q4_0, new float[32], new byte[17]), Throws.ArgumentException);
        Assert.That(() => TensorCodec.Decode((TensorType)4, new byte[18], new float[32]), Throws.TypeOf<UnsupportedTensorTypeException>());
    }

    [Test]
    public void IntegersAndDoublesDecode()
    {
        var values = new float[1];
        TensorCodec.Decode(TensorType.I8, [0xFF], values);
        Assert.That(values[0], Is.EqualTo(-1));
        TensorCodec.Decode(TensorType.I32, BitConverter.GetBytes(-70000), values);
        Assert.That(values[0], Is.EqualTo(-70000));
        TensorCodec.Decode(TensorType.I64, BitConverter.GetBytes(1L << 40), values);
        Assert.That(values[0], Is.EqualTo(1L << 40));
        TensorCodec.Decode(TensorType.F64, BitConverter.GetBytes(0.5), values);
        Assert.That(values[0], Is.EqualTo(0.5f));
    }

    /// <summary>A NaN or an infinity in any scale of any block is found, and where.</summary>
    [TestCase(TensorType.Q4_0, 0)]
    [TestCase(TensorType.Q4_1, 2)]
    [TestCase(TensorType.Q5_0, 0)]
    [TestCase(TensorType.Q5_1, 2)]
    [TestCase(TensorType.Q8_0, 0)]
    [TestCase(TensorType.Q2_K, 80)]
    [TestCase(TensorType.Q2_K, 82)]
    [TestCase(TensorType.Q3_K, 108)]
    [TestCase(TensorType.Q4_K, 2)]
    [TestCase(TensorType.Q5_K, 0)]
    [TestCase(TensorType.Q6_K, 208)]
    [TestCase(TensorType.IQ4_NL, 0)]
    [TestCase(TensorType.IQ4_XS, 0)]
    [TestCase(TensorType.TQ1_0, 52)]
    [TestCase(TensorType.TQ2_0, 64)]
    [TestCase(TensorType.F16, 0)]
    public void ValidationFindsWhatIsNotFinite(TensorType type, int at)
    {
        var bytes = new byte[3 * type.BlockBytes()];
        Assert.That(RowValidation.FirstInvalidBlock(type, bytes), Is.EqualTo(-1));
        bytes[(2 * type.BlockBytes()) + at + 1] = 0x7C;
        Assert.That(RowValidation.FirstInvalidBlock(type, bytes), Is.EqualTo(2));
    }

    [TestCase(TensorType.F32, 0x7FC00000u, 0xFF800000u, 0x7F7FFFFFu)]
    [TestCase(TensorType.F16, 0x7E00u, 0xFC00u, 0x7BFFu)]
    [TestCase(TensorType.BF16, 0x7FC0u, 0xFF80u, 0x7F7Fu)]
    public void ValidationFindsEveryPlaceInPlainFloats(TensorType type, uint nan, uint infinity, uint largest)
    {
        int size = type.BlockBytes();
        for (int count = 1; count < 70; count += 3)
        {
            byte[] bytes = new byte[count * size];
            for (int i = 0; i < count; i++) BitConverter.GetBytes(largest).AsSpan(0, size).CopyTo(bytes.AsSpan(i * size));
            Assert.That(RowValidation.FirstInvalidBlock(type, bytes), Is.EqualTo(-1));
            for (int i = count - 1; i >= 0; i--)
            {
                BitConverter.GetBytes(i % 2 == 0 ? nan : infinity).AsSpan(0, size).CopyTo(bytes.AsSpan(i * size));
                Assert.That(RowValidation.FirstInvalidBlock(type, bytes), Is.EqualTo(i));
            }
        }
    }

    [Test]
    public void ValidationOfTheOtherFormats()
    {
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.MXFP4, [254, .. new byte[16], 255, .. new byte[16]]), Is.EqualTo(1));
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.F32, BitConverter.GetBytes(float.NaN)), Is.Zero);
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.F64, BitConverter.GetBytes(double.PositiveInfinity)), Is.Zero);
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.BF16, [0x80, 0x7F]), Is.Zero);
    }

    private static Npy Load(TensorType type, string what) => Npy.Load(Golden.Path($"quant/{type.ToString().ToLowerInvariant()}.{what}.npy"));
}
