using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Every vectorised encoder against the plain one: the same bytes for whatever finite values.</summary>
public sealed class FastEncodingTests
{
    private const int Values = 64 * 256;

    public static IEnumerable<TensorType> Types => Formats.All.Where(format => format is { IsQuantized: true, CanEncode: true }).Select(format => format.Type);

    [TestCaseSource(nameof(Types))]
    public void Blocks(TensorType type)
    {
        Format format = Format.Find(type)!;
        int pattern = 0;
        foreach (float[] values in Patterns().Append(Npy.Load(Golden.Path("quant/input.npy")).Floats))
        {
            byte[] plain = new byte[type.ByteCount(values.Length)], fast = new byte[plain.Length];
            Array.Fill(fast, (byte)0xA5);
            format.EncodePlainly(values, plain);
            TensorCodec.Encode(type, values, fast);
            for (int at = plain.AsSpan().CommonPrefixLength(fast); at < plain.Length;)
                Assert.Fail($"pattern {pattern}, block {at / type.BlockBytes()}, byte {at % type.BlockBytes()}: {fast[at]}, not {plain[at]}");
            pattern++;
        }
    }

    [Test]
    public void BFloat16Values()
    {
        float[] values = [.. Patterns().SelectMany(p => p), float.NaN, float.PositiveInfinity, float.NegativeInfinity, BitConverter.Int32BitsToSingle(0x7F800001)];
        var fast = new ushort[values.Length];
        BF16.Encode(values, fast);
        Assert.That(fast, Is.EqualTo(values.Select(BF16.FromSingle)));
    }

    /// <summary>The vectorised choice of table levels, at and around every middle between two levels.</summary>
    [Test]
    public void NearestLevelsOfIQ4_NL()
    {
        var values = new List<float> { -1000, -127, 0, -0f, 113, 1000 };
        for (int i = 0; i < 15; i++)
        {
            float middle = 0.5f * (IQ4_NL.Levels[i] + IQ4_NL.Levels[i + 1]);
            values.AddRange([middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle), IQ4_NL.Levels[i], MathF.BitDecrement(IQ4_NL.Levels[i])]);
        }

        while (values.Count % 32 != 0) values.Add(values.Count);
        for (int b = 0; b < values.Count; b += 32)
        {
            var packed = new byte[16];
            IQ4_NL.EncodeLevels(values.ToArray().AsSpan(b, 32), 1, packed);
            for (int j = 0; j < 16; j++)
            {
                Assert.That(packed[j] & 15, Is.EqualTo(IQ4_NL.NearestLevel(values[b + j])), $"{values[b + j]:R}");
                Assert.That(packed[j] >> 4, Is.EqualTo(IQ4_NL.NearestLevel(values[b + j + 16])), $"{values[b + j + 16]:R}");
            }
        }
    }

    private static IEnumerable<float[]> Patterns()
    {
        var random = new Random(99);
        foreach (float scale in new[] { 1f, 1e-3f, 1e-8f, 1e-18f, 1e-30f, 1e-38f, 1e-42f, 1e6f, 1e17f })
            yield return Fill(_ => (float)(random.NextDouble() - 0.5) * scale);
        yield return Fill(_ => (float)random.NextDouble());
        yield return Fill(_ => -(float)random.NextDouble());
        yield return Fill(i => i % 97 == 0 ? 1000 : (float)random.NextDouble());
        yield return Fill(i => random.Next(3) - 1);
        yield return Fill(i => random.Next(2) == 0 ? 0f : -0f);
        yield return Fill(i => i / 16 % 2 == 0 ? 0f : (float)(random.NextDouble() - 0.5));
        yield return Fill(i => (i / 32) - 100);
        yield return Fill(i => (random.Next(255) - 127) * 0.5f);
        yield return Fill(i => MathF.ScaleB(1, (i / 32 % 200) - 140) * (float)(random.NextDouble() - 0.3));
        yield return Fill(i => (float)Math.Pow(random.NextDouble() - 0.5, 5));
    }

    private static float[] Fill(Func<int, float> value) => [.. Enumerable.Range(0, Values).Select(value)];
}
