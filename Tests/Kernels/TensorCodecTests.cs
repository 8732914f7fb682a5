using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

public sealed class TensorCodecTests
{
    private static readonly TensorType[] WithoutGolden = [TensorType.Q8_1, TensorType.Q8_K, TensorType.NVFP4, TensorType.Q1_0, TensorType.Q2_0];

    public static IEnumerable<TensorType> GoldenTypes => Formats.All.Where(format => format.IsQuantized).Select(format => format.Type).Except(WithoutGolden);

    public static IEnumerable<TensorType> EncodedGoldenTypes => GoldenTypes.Where(TensorCodec.CanEncode);

    public static IEnumerable<TensorType> GridTypes => GoldenTypes.Where(type => !TensorCodec.CanEncode(type));

    [TestCaseSource(nameof(GoldenTypes))]
    public void DecodesToTheGoldenBits(TensorType type)
    {
        var bytes = Load(type, "bytes");
        var expected = Load(type, "dequant").Floats;
        var values = new float[expected.Length];
        TensorCodec.Decode(type, bytes.Data, values);
        Assert.That(values.Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.Select(BitConverter.SingleToInt32Bits)));
    }

    [TestCaseSource(nameof(EncodedGoldenTypes))]
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

    /// <summary>Formats without goldens, by the formulas of docs/formats/quantization.md#types: random quants, scales that are powers of two.</summary>
    [Test]
    public void FormatsWithoutGoldensDecodeAsTheirFormulasSay()
    {
        byte[] block = new byte[36];
        new Random(8).NextBytes(block);
        new byte[] { 0x38, 0x40, 0x2C, 0x01 }.CopyTo(block, 0);
        float[] scales = [0.5f, 1, 0.1875f, 1 / 1024f], values = new float[64];
        int[] levels = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
        TensorCodec.Decode(TensorType.NVFP4, block, values);
        for (int i = 0; i < 64; i++)
        {
            int nibble = (block[4 + (8 * (i / 16)) + (i % 8)] >> (i % 16 < 8 ? 0 : 4)) & 15;
            Assert.That(values[i], Is.EqualTo(levels[nibble] * scales[i / 16]), $"NVFP4 {i}");
        }

        BitConverter.GetBytes((Half)0.25f).CopyTo(block, 0);
        TensorCodec.Decode(TensorType.Q2_0, block.AsSpan(0, 18), values);
        for (int i = 0; i < 64; i++) Assert.That(values[i], Is.EqualTo((((block[2 + (i / 4)] >> (2 * (i % 4))) & 3) - 1) * 0.25f), $"Q2_0 {i}");

        values = new float[128];
        TensorCodec.Decode(TensorType.Q1_0, block.AsSpan(0, 18), values);
        for (int i = 0; i < 128; i++) Assert.That(values[i], Is.EqualTo((block[2 + (i / 8)] & (1 << (i % 8))) != 0 ? 0.25f : -0.25f), $"Q1_0 {i}");
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

    [TestCaseSource(nameof(GridTypes))]
    public void GridTypesAreReadButNotWritten(TensorType type)
    {
        Assert.That(TensorCodec.CanDecode(type) && PanelKernel.For(type) is not null, Is.True);
        Assert.That(() => TensorCodec.Encode(type, new float[256], new byte[512]),
            Throws.TypeOf<UnsupportedTensorTypeException>().With.Message.Contains($"tensor type {type} ").And.Message.Contains("Q8_0, ").And.Message.Not.Contains($", {type}"));
    }

    [Test]
    public void AGridIsTheSumOfItsGaps()
    {
        Grid grid = new(dimension: 3, levels: 3, unit: 2, Convert.ToBase64String([0, 1, 2, 10]));
        Assert.That(grid.Count, Is.EqualTo(4));
        Assert.That(Enumerable.Range(0, 4).Select(i => Convert.ToHexString(grid[i])), Is.EqualTo(new[] { "000000", "020000", "000200", "020202" }));
        byte[] codes = new byte[3];
        grid.Signed(3, 0b101, codes);
        Assert.That(codes, Is.EqualTo(new byte[] { 5, 10, 5 }));
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
    [TestCase(TensorType.Q1_0, 0)]
    [TestCase(TensorType.Q2_0, 0)]
    [TestCase(TensorType.IQ1_S, 0)]
    [TestCase(TensorType.IQ2_XXS, 0)]
    [TestCase(TensorType.IQ2_XS, 0)]
    [TestCase(TensorType.IQ2_S, 0)]
    [TestCase(TensorType.IQ3_XXS, 0)]
    [TestCase(TensorType.IQ3_S, 0)]
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

    /// <summary>Any of the four scales, of either sign; 0x7E is the largest number.</summary>
    [Test]
    public void ValidationFindsNaNInNvidiaScales([Values(0, 1, 2, 3)] int scale, [Values(0x7F, 0xFF)] int nan)
    {
        byte[] bytes = new byte[3 * 36];
        Array.Fill(bytes, (byte)0x7E);
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.NVFP4, bytes), Is.EqualTo(-1));
        bytes[36 + scale] = (byte)nan;
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.NVFP4, bytes), Is.EqualTo(1));
    }

    /// <summary>The half scale of IQ1_M lies in the upper bits of four words.</summary>
    [Test]
    public void ValidationPutsTheScaleOfIQ1_MTogether()
    {
        byte[] bytes = new byte[2 * 56];
        Array.Fill(bytes, (byte)0x0F);
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.IQ1_M, bytes), Is.EqualTo(-1));
        bytes[56 + 48 + 5] = 0xC0;
        bytes[56 + 48 + 7] = 0x70;
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.IQ1_M, bytes), Is.EqualTo(1));
        bytes[56 + 48 + 5] = 0xB0;
        Assert.That(RowValidation.FirstInvalidBlock(TensorType.IQ1_M, bytes), Is.EqualTo(-1));
    }

    /// <summary>Bits all set are no number in any scale.</summary>
    [Test]
    public void ValidationKnowsEveryFormat()
    {
        foreach (Format format in Formats.All.Where(format => format.HasKernel || format.IsQuantized))
        {
            byte[] bytes = new byte[3 * format.BlockBytes];
            bytes.AsSpan(format.BlockBytes, format.BlockBytes).Fill(0xFF);
            Assert.That(RowValidation.FirstInvalidBlock(format.Type, bytes), Is.EqualTo(1), format.Name);
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
