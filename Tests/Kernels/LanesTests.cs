using TinyMllm.Kernels;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Tests.Kernels;

/// <summary>Every number of lanes gives the bits of one lane.</summary>
[TestFixture]
public sealed unsafe class LanesTests
{
    private static readonly float[] Interesting =
        [0, -0f, 0.25f, -0.5f, 0.5f, 1.5f, 2.5f, -2.5f, 126.5f, -126.5f, 127, -127, 254.9f, 300, -3, 1e-6f, -1e-7f, 6e-8f, 65504, 65519, 65520, -1e6f, 1e-45f, 3.3f, 0.1f, 100.4f, -77.7f, 12, 13, 14, 15, 16];

    [Test]
    public void FourLanes() => CheckMath<Float32x4>();

    [Test]
    public void EightLanes() => When(Isa.Avx2, CheckMath<Float32x8>);

    [Test]
    public void SixteenLanes() => When(Isa.Avx512, CheckMath<Float32x16>);

    [Test]
    public void FourTimesFourLanes() => Check<Float32x4x4>();

    [Test]
    public void TwiceEightLanes() => When(Isa.Avx2, Check<Float32x8x2>);

    [Test]
    public void TwiceSixteenLanes() => When(Isa.Avx512, Check<FloatPair<Float32x16>>);

    [Test]
    public void Bytes()
    {
        CheckBytes<UInt8x16x4>();
        When(Isa.Avx2, CheckBytes<UInt8x32x2>);
        When(Isa.Avx512, CheckBytes<UInt8x64>);
        When(Isa.Avx512, CheckBytes<BytePair<UInt8x64>>);
    }

    private static void When(Isa isa, Action check)
    {
        if (isa.IsSupported) check();
    }

    private static void Check<T>()
        where T : unmanaged, IFloatLanes<T>
    {
        float[] a = Interesting, b = [.. Interesting.Reverse()], c = KernelData.Uniform(32, 1, 3);
        Compare<T>((x, y, z, r) => T.Store(T.Load(x) + T.Load(y), r), (x, y, z, r) => Float32x1.Store(Float32x1.Load(x) + Float32x1.Load(y), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Load(x) * T.Load(y), r), (x, y, z, r) => Float32x1.Store(Float32x1.Load(x) * Float32x1.Load(y), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.MultiplyAdd(T.Load(x), T.Load(z), T.Load(y)), r),
            (x, y, z, r) => Float32x1.Store(Float32x1.MultiplyAdd(Float32x1.Load(x), Float32x1.Load(z), Float32x1.Load(y)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Max(T.Load(x), T.Load(z)), r), (x, y, z, r) => Float32x1.Store(Float32x1.Max(Float32x1.Load(x), Float32x1.Load(z)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Abs(T.Load(x)), r), (x, y, z, r) => Float32x1.Store(Float32x1.Abs(Float32x1.Load(x)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Splat(7) + T.Zero, r), (x, y, z, r) => Float32x1.Store(Float32x1.Splat(7) + Float32x1.Zero, r), a, b, c);

        ushort* halves = stackalloc ushort[32];
        sbyte* bytes = stackalloc sbyte[32];
        float* converted = stackalloc float[32];
        for (int start = 0; start < 65536; start += T.Count)
        {
            for (int i = 0; i < T.Count; i++) halves[i] = (ushort)(start + i);
            T.Store(T.LoadBFloat(halves), converted);
            for (int i = 0; i < T.Count; i++) Same(converted[i], BitConverter.Int32BitsToSingle(halves[i] << 16), $"bfloat16 {halves[i]:x4}");
            T.Store(T.LoadFiniteHalf(halves), converted);
            for (int i = 0; i < T.Count; i++)
                if ((halves[i] & 0x7C00) != 0x7C00) Same(converted[i], (float)BitConverter.UInt16BitsToHalf(halves[i]), $"half {halves[i]:x4}");
        }

        for (int start = 0; start < 256; start += T.Count)
        {
            for (int i = 0; i < T.Count; i++) bytes[i] = (sbyte)(start + i);
            T.Store(T.LoadInt8(bytes), converted);
            for (int i = 0; i < T.Count; i++) Same(converted[i], bytes[i], "sbyte");
            T.Store(T.LoadUInt8((byte*)bytes), converted);
            for (int i = 0; i < T.Count; i++) Same(converted[i], (byte)bytes[i], "byte");
        }

        float[] small = [.. Interesting.Where(v => Math.Abs(v) <= 127), .. Enumerable.Repeat(-0.5f, 32)];
        fixed (float* p = small)
        {
            new Span<sbyte>(bytes, 32).Fill(99);
            T.StoreInt8(T.Load(p), bytes);
            for (int i = 0; i < T.Count; i++) Assert.That(bytes[i], Is.EqualTo((sbyte)MathF.Round(small[i])), $"{small[i]}");
            if (T.Count < 32) Assert.That(bytes[T.Count], Is.EqualTo(99), "no more bytes than lanes");
            Assert.That(T.MaxElement(T.Load(p)), Is.EqualTo(small.Take(T.Count).Max()));
        }
    }

    private static void CheckMath<T>()
        where T : unmanaged, IMathLanes<T>
    {
        Check<T>();
        float[] a = Interesting, b = [.. Interesting.Reverse().Select(v => v == 0 ? 1 : v)], c = [.. Enumerable.Range(-16, 32).Select(i => i * 7f)];
        Compare<T>((x, y, z, r) => T.Store(T.Load(x) - T.Load(y), r), (x, y, z, r) => Float32x1.Store(Float32x1.Load(x) - Float32x1.Load(y), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Load(x) / T.Load(y), r), (x, y, z, r) => Float32x1.Store(Float32x1.Load(x) / Float32x1.Load(y), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Min(T.Load(x), T.Load(z)), r), (x, y, z, r) => Float32x1.Store(Float32x1.Min(Float32x1.Load(x), Float32x1.Load(z)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Round(T.Load(x)), r), (x, y, z, r) => Float32x1.Store(Float32x1.Round(Float32x1.Load(x)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.Scale(T.Load(x), T.Load(z)), r), (x, y, z, r) => Float32x1.Store(Float32x1.Scale(Float32x1.Load(x), Float32x1.Load(z)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.Store(T.CopySign(T.Load(x), T.Load(z)), r), (x, y, z, r) => Float32x1.Store(Float32x1.CopySign(Float32x1.Load(x), Float32x1.Load(z)), r), a, b, c);
        Compare<T>((x, y, z, r) => T.StoreHalf(T.Load(x), (ushort*)r), (x, y, z, r) => Float32x1.StoreHalf(Float32x1.Load(x), (ushort*)r), a, b, c, bytes: 2);

        ushort* halves = stackalloc ushort[16];
        float* converted = stackalloc float[16];
        for (int start = 0; start < 65536; start += T.Count)
        {
            for (int i = 0; i < T.Count; i++) halves[i] = (ushort)(start + i);
            T.Store(T.LoadHalf(halves), converted);
            for (int i = 0; i < T.Count; i++) Same(converted[i], HalfConversion.ToSingle(halves[i]), $"half {halves[i]:x4}");
        }

        fixed (float* p = c)
        {
            T.Store(T.SwapNeighbours(T.Load(p)), converted);
            for (int i = 0; i < T.Count; i++) Assert.That(converted[i], Is.EqualTo(c[i ^ 1]));
            Assert.That(T.Sum(T.Load(p)), Is.EqualTo(c.Take(T.Count).Sum()), "integers add up exactly in any order");
        }
    }

    private static void CheckBytes<T>()
        where T : unmanaged, IByteLanes<T>
    {
        byte[] a = new byte[T.Count], b = new byte[T.Count], r = new byte[T.Count], table = [.. Enumerable.Range(0, 16).Select(i => (byte)(255 - (i * 3)))];
        new Random(1).NextBytes(a);
        new Random(2).NextBytes(b);
        fixed (byte* pa = a, pb = b, pr = r, pt = table)
        {
            T.Store(T.Load(pa) & T.Load(pb), pr);
            Assert.That(r, Is.EqualTo(a.Zip(b, (x, y) => (byte)(x & y))));
            T.Store(T.Load(pa) | T.Load(pb), pr);
            Assert.That(r, Is.EqualTo(a.Zip(b, (x, y) => (byte)(x | y))));
            T.Store(T.Splat(0x5A), pr);
            Assert.That(r, Has.All.EqualTo(0x5A));
            T.Store(T.ShiftRight(T.Load(pa), 4) & T.Splat(0x0F), pr);
            Assert.That(r, Is.EqualTo(a.Select(x => (byte)(x >> 4))));
            T.Store(T.ShiftLeft(T.Load(pa), 3) & T.Splat(0xF8), pr);
            Assert.That(r, Is.EqualTo(a.Select(x => (byte)(x << 3))));
            T.Store(T.LookUp(pt, T.Load(pa) & T.Splat(0x0F)), pr);
            Assert.That(r, Is.EqualTo(a.Select(x => table[x & 15])));
        }
    }

    private delegate void Operation(float* x, float* y, float* z, float* result);

    /// <summary>The operation on whole vectors against the same on one lane after the other.</summary>
    private static void Compare<T>(Operation lanes, Operation one, float[] x, float[] y, float[] z, int bytes = 4)
        where T : unmanaged, IFloatLanes<T>
    {
        byte[] found = new byte[4 * x.Length], expected = new byte[4 * x.Length];
        fixed (float* px = x, py = y, pz = z)
        fixed (byte* pf = found, pe = expected)
        {
            for (int i = 0; i < x.Length; i += T.Count) lanes(px + i, py + i, pz + i, (float*)(pf + (i * bytes)));
            for (int i = 0; i < x.Length; i++) one(px + i, py + i, pz + i, (float*)(pe + (i * bytes)));
        }

        Assert.That(found, Is.EqualTo(expected));
    }

    private static void Same(float found, float expected, string what)
    {
        if (BitConverter.SingleToInt32Bits(found) != BitConverter.SingleToInt32Bits(expected)) Assert.Fail($"{what}: {found}, not {expected}");
    }
}
