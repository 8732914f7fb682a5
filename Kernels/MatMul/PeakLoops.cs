using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// What one core can do at most with the leaves that the matrix products are made of: the same multiply-adds on registers and cached lines, without unpacking, scales or
/// traffic to memory. Benchmarks divide by these.
/// </summary>
/// <remarks>
/// A loop holds no more accumulators than the registers take beside the operands: a spilled one makes the peak too low. Where a multiply-add is two instructions, weights come
/// from a moving address and each accumulator has its own factor: otherwise the JIT moves products out of the loop, or computes equal ones once, and the peak is too high.
/// </remarks>
public static unsafe class PeakLoops
{
    /// <summary>Bytes of the cached lines: weights in the first half, activations in the second.</summary>
    private const int LineBytes = 512;

    /// <summary>Multiplies 8-bit weights; returns the number of multiply-adds.</summary>
    public static long Int8(int rounds) => Isa.Current switch
    {
#if NET11_0_OR_GREATER
        Isa.Avx512Vnni512 => FourByTwo<Dot512<VnniProduct512>, UInt8x64, Float32x16>(rounds),
#endif
        Isa.Avx512Vnni => FourByOne<VnniDot256x2, UInt8x32x2, Float32x16>(rounds),
        Isa.Avx512 => FourByOne<PlanePair<Int16Dot512, UInt8x64, Float32x16>, BytePair<UInt8x64>, Float32x16>(rounds),
        Isa.Avx2Vnni => FourByOne<Dot256<VnniProduct256>, UInt8x32x2, Float32x8x2>(rounds),
        Isa.Avx2 => FourByOne<Dot256<SignProduct256>, UInt8x32x2, Float32x8x2>(rounds),
        Isa.AdvSimdDot => FourByOne<SdotDot128<EightBits>, UInt8x16x4, Float32x4x4>(rounds),
        Isa.AdvSimd => FourByOne<Dot128<AdvSimdProduct<EightBits>>, UInt8x16x4, Float32x4x4>(rounds),
        Isa.Ssse3 => OneByOne<Dot128<Ssse3Product<EightBits>>, UInt8x16x4, Float32x4x4>(rounds),
        _ => OneByOne<Dot128<PortableProduct<EightBits>>, UInt8x16x4, Float32x4x4>(rounds),
    };

    /// <summary>Multiplies weights of up to 5 bits; returns the number of multiply-adds.</summary>
    public static long Int4(int rounds) => Isa.Current switch
    {
        Isa.Avx512 or Isa.Avx512Vnni or Isa.Avx512Vnni512 => FourByTwo<Int16Dot512, UInt8x64, Float32x16>(rounds),
        Isa.Avx2 or Isa.Avx2Vnni => FourByOne<Int16Dot256, UInt8x32x2, Float32x8x2>(rounds),
        Isa.AdvSimdDot => FourByOne<SdotDot128<SevenBits>, UInt8x16x4, Float32x4x4>(rounds),
        Isa.AdvSimd => FourByOne<Dot128<AdvSimdProduct<SevenBits>>, UInt8x16x4, Float32x4x4>(rounds),
        Isa.Ssse3 => OneByOne<Dot128<Ssse3Product<SevenBits>>, UInt8x16x4, Float32x4x4>(rounds),
        _ => OneByOne<Dot128<PortableProduct<SevenBits>>, UInt8x16x4, Float32x4x4>(rounds),
    };

    /// <summary>Multiplies float32; returns the number of multiply-adds.</summary>
    /// <remarks>
    /// 16 floats are one, two or four registers. Half of AVX2's 16 or of NEON's 32 registers accumulate, which hides the latency of both; so do 8 of AVX-512's 32.
    /// </remarks>
    public static long Single(int rounds)
    {
        float* lines = stackalloc float[LineBytes / sizeof(float)];
        new Span<float>(lines, LineBytes / sizeof(float)).Fill(0.5f);
        float* x = lines + (LineBytes / 2 / sizeof(float));
        return Isa.Current switch
        {
            Isa.Avx512 or Isa.Avx512Vnni or Isa.Avx512Vnni512 => FloatEight<Float32x16>(lines, x, rounds),
            Isa.Avx2 or Isa.Avx2Vnni => FloatFour<Float32x8x2>(lines, x, rounds),
            Isa.AdvSimd or Isa.AdvSimdDot => FloatFour<Float32x4x4>(lines, x, rounds),
            _ => FloatTwo<Float32x4x4>(lines, x, rounds),
        };
    }

    /// <summary>Reads <paramref name="bytes"/> (a multiple of 256) from <paramref name="memory"/>; returns a checksum so that nothing is skipped.</summary>
    public static int Read(byte* memory, long bytes) => Isa.Current.Lanes switch
    {
        16 when InstructionSets.HasAvx512 => ReadLines<UInt8x64>(memory, bytes),
        8 when InstructionSets.HasAvx2 => ReadLines<UInt8x32x2>(memory, bytes),
        _ => ReadLines<UInt8x16x4>(memory, bytes),
    };

    /// <summary>Four lines at a time, each into a register of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int ReadLines<TBytes>(byte* memory, long bytes)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes a = TBytes.Splat(0), b = a, c = a, d = a;
        for (byte* end = memory + bytes; memory < end; memory += 4 * TBytes.Count)
        {
            a |= TBytes.Load(memory);
            b |= TBytes.Load(memory + TBytes.Count);
            c |= TBytes.Load(memory + (2 * TBytes.Count));
            d |= TBytes.Load(memory + (3 * TBytes.Count));
        }

        int* all = stackalloc int[TBytes.Count / sizeof(int)];
        TBytes.Store(a | b | c | d, (byte*)all);
        int sum = 0;
        for (int i = 0; i < TBytes.Count / sizeof(int); i++) sum += all[i];
        return sum;
    }

    private static long FourByTwo<TDot, TBytes, TFloats>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerFourByTwo<TDot, TBytes, TFloats>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    private static long FourByOne<TDot, TBytes, TFloats>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerFourByOne<TDot, TBytes, TFloats>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    private static long OneByOne<TDot, TBytes, TFloats>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerOneByOne<TDot, TBytes, TFloats>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerFourByTwo<TDot, TBytes, TFloats>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TDot a0 = TDot.Start(0), b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
        for (long i = 0; i < (long)Panel.QuadBytes * rounds; i += Panel.QuadBytes)
        {
            TBytes w0 = TBytes.Load(weights + (i & Panel.QuadBytes)), w1 = TBytes.Load(weights + (i & Panel.QuadBytes) + (2 * Panel.QuadBytes));
            a0.MultiplyAdd(w0, TBytes.SplatQuad(x));
            a1.MultiplyAdd(w1, TBytes.SplatQuad(x));
            b0.MultiplyAdd(w0, TBytes.SplatQuad(x + Panel.Quad));
            b1.MultiplyAdd(w1, TBytes.SplatQuad(x + Panel.Quad));
            c0.MultiplyAdd(w0, TBytes.SplatQuad(x + (2 * Panel.Quad)));
            c1.MultiplyAdd(w1, TBytes.SplatQuad(x + (2 * Panel.Quad)));
            d0.MultiplyAdd(w0, TBytes.SplatQuad(x + (3 * Panel.Quad)));
            d1.MultiplyAdd(w1, TBytes.SplatQuad(x + (3 * Panel.Quad)));
        }

        TFloats sum = TDot.ToSingle(a0) + TDot.ToSingle(b0) + TDot.ToSingle(c0) + TDot.ToSingle(d0);
        TFloats.Store(sum + TDot.ToSingle(a1) + TDot.ToSingle(b1) + TDot.ToSingle(c1) + TDot.ToSingle(d1), (float*)weights);
        return 8L * rounds * Panel.QuadBytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerFourByOne<TDot, TBytes, TFloats>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TDot a = TDot.Start(0), b = a, c = a, d = a;
        for (long i = 0; i < (long)Panel.QuadBytes * rounds; i += Panel.QuadBytes)
        {
            TBytes w = TBytes.Load(weights + (i & Panel.QuadBytes));
            a.MultiplyAdd(w, TBytes.SplatQuad(x));
            b.MultiplyAdd(w, TBytes.SplatQuad(x + Panel.Quad));
            c.MultiplyAdd(w, TBytes.SplatQuad(x + (2 * Panel.Quad)));
            d.MultiplyAdd(w, TBytes.SplatQuad(x + (3 * Panel.Quad)));
        }

        TFloats.Store(TDot.ToSingle(a) + TDot.ToSingle(b) + TDot.ToSingle(c) + TDot.ToSingle(d), (float*)weights);
        return 4L * rounds * Panel.QuadBytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerOneByOne<TDot, TBytes, TFloats>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TDot a = TDot.Start(0);
        for (long i = 0; i < (long)Panel.QuadBytes * rounds; i += Panel.QuadBytes) a.MultiplyAdd(TBytes.Load(weights + (i & Panel.QuadBytes)), TBytes.SplatQuad(x));
        TFloats.Store(TDot.ToSingle(a), (float*)weights);
        return (long)rounds * Panel.QuadBytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatEight<TFloats>(float* weights, float* x, int rounds)
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TFloats a = TFloats.Zero, b = a, c = a, d = a, e = a, f = a, g = a, h = a, w = TFloats.Load(weights), v = TFloats.Load(x);
        for (int i = 0; i < rounds; i++)
        {
            a = TFloats.MultiplyAdd(w, v, a);
            b = TFloats.MultiplyAdd(w, v, b);
            c = TFloats.MultiplyAdd(w, v, c);
            d = TFloats.MultiplyAdd(w, v, d);
            e = TFloats.MultiplyAdd(w, v, e);
            f = TFloats.MultiplyAdd(w, v, f);
            g = TFloats.MultiplyAdd(w, v, g);
            h = TFloats.MultiplyAdd(w, v, h);
        }

        TFloats.Store(a + b + c + d + (e + f + g + h), weights);
        return 8L * rounds * Panel.Outputs;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatFour<TFloats>(float* weights, float* x, int rounds)
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TFloats a = TFloats.Zero, b = a, c = a, d = a, w = TFloats.Load(weights), v = TFloats.Load(x);
        for (int i = 0; i < rounds; i++)
        {
            a = TFloats.MultiplyAdd(w, v, a);
            b = TFloats.MultiplyAdd(w, v, b);
            c = TFloats.MultiplyAdd(w, v, c);
            d = TFloats.MultiplyAdd(w, v, d);
        }

        TFloats.Store(a + b + c + d, weights);
        return 4L * rounds * Panel.Outputs;
    }

    /// <summary>For processors without fused multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatTwo<TFloats>(float* weights, float* x, int rounds)
        where TFloats : unmanaged, IFloatLanes<TFloats>
    {
        TFloats a = TFloats.Zero, b = a;
        for (long i = 0; i < (long)Panel.Outputs * rounds; i += Panel.Outputs)
        {
            TFloats w = TFloats.Load(weights + (i & Panel.Outputs));
            a = TFloats.MultiplyAdd(w, TFloats.Splat(x[0]), a);
            b = TFloats.MultiplyAdd(w, TFloats.Splat(x[1]), b);
        }

        TFloats.Store(a + b, weights);
        return 2L * rounds * Panel.Outputs;
    }
}
