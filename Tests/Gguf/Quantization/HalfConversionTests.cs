using System.Runtime.InteropServices;
using TinyMllm.Kernels;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Gguf.Quantization;

public sealed class HalfConversionTests
{
    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    /// <summary>All 65536 halves, one by one and on vectors.</summary>
    [Test]
    public void WidensEveryHalf([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        var halves = Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).ToArray();
        var singles = new float[halves.Length];
        HalfConversion.ToSingle(halves, singles);
        for (int i = 0; i < halves.Length; i++)
        {
            float expected = (float)halves[i];
            Assert.That(BitConverter.SingleToInt32Bits(HalfConversion.ToSingle((ushort)i)), Is.EqualTo(BitConverter.SingleToInt32Bits(singles[i])), $"{i:x4}");
            if (Half.IsNaN(halves[i])) Assert.That(float.IsNaN(singles[i]));
            else if (BitConverter.SingleToInt32Bits(singles[i]) != BitConverter.SingleToInt32Bits(expected)) Assert.Fail($"{i:x4}: {singles[i]}, not {expected}");
        }
    }

    /// <summary>Around every half and every midpoint between two, and numbers of all exponents.</summary>
    [Test]
    public void NarrowsToTheNearestEven([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        var bits = new List<uint> { 0, 1, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0x7F7FFFFF };
        for (int i = 0; i < 0x7C00; i++)
        {
            uint half = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)i));
            uint next = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)(i + 1)));
            uint middle = BitConverter.SingleToUInt32Bits((BitConverter.UInt32BitsToSingle(half) + BitConverter.UInt32BitsToSingle(Math.Min(next, 0x47800000))) / 2);
            bits.AddRange([half, half + 1, middle - 1, middle, middle + 1]);
        }

        var random = new Random(7);
        for (int i = 0; i < 100_000; i++) bits.Add((uint)random.Next());
        bits.AddRange([.. bits.Select(b => b | 0x80000000)]);

        float[] singles = MemoryMarshal.Cast<uint, float>(bits.ToArray()).ToArray();
        var halves = new Half[singles.Length];
        HalfConversion.FromSingle(singles, halves);
        for (int i = 0; i < singles.Length; i++)
        {
            ushort expected = float.IsNaN(singles[i])
                ? (ushort)((bits[i] >> 31 << 15) | 0x7E00)
                : BitConverter.HalfToUInt16Bits((Half)singles[i]);
            ushort found = BitConverter.HalfToUInt16Bits(halves[i]);
            if (found != expected || BitConverter.HalfToUInt16Bits(HalfConversion.FromSingle(singles[i])) != expected)
                Assert.Fail($"{bits[i]:x8}: {found:x4}, not {expected:x4}");
        }
    }

    [Test]
    public void AnyLength([ValueSource(nameof(Isas))] Isa isa, [Values(1, 7, 9, 31)] int length)
    {
        using var scope = new IsaScope(isa);
        float[] singles = [.. Enumerable.Range(0, length).Select(i => i * 0.25f)];
        var halves = new Half[length];
        var back = new float[length];
        HalfConversion.FromSingle(singles, halves);
        HalfConversion.ToSingle(halves, back);
        Assert.That(back, Is.EqualTo(singles));
        Assert.That(() => HalfConversion.ToSingle(halves, new float[length + 1]), Throws.ArgumentException);
        Assert.That(() => HalfConversion.FromSingle(new float[length + 1], halves), Throws.ArgumentException);
    }
}
