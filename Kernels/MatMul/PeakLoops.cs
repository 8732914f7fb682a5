using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
        Isa.Avx512Vnni512 => FourByTwo<WideVnniDot512, Bytes512, Rows512>(rounds),
#endif
        Isa.Avx512Vnni => FourByOne<VnniDot512, Bytes256, Rows512>(rounds),
        Isa.Avx512 => FourByOne<WideDot512, Bytes512, Rows512>(rounds),
        Isa.Avx2Vnni => FourByOne<VnniDot256, Bytes256, Rows256>(rounds),
        Isa.Avx2 => FourByOne<SignDot256, Bytes256, Rows256>(rounds),
        Isa.AdvSimdDot => FourByOne<Dot128<SdotProduct<EightBits>>, Bytes128, Rows128>(rounds),
        Isa.AdvSimd => FourByOne<Dot128<AdvSimdProduct<EightBits>>, Bytes128, Rows128>(rounds),
        Isa.Ssse3 => OneByOne<Dot128<Ssse3Product<EightBits>>, Bytes128, Rows128>(rounds),
        _ => OneByOne<Dot128<PortableProduct<EightBits>>, Bytes128, Rows128>(rounds),
    };

    /// <summary>Multiplies weights of up to 5 bits; returns the number of multiply-adds.</summary>
    public static long Int4(int rounds) => Isa.Current switch
    {
        Isa.Avx512 or Isa.Avx512Vnni or Isa.Avx512Vnni512 => FourByTwo<Int16Dot512, Bytes512, Rows512>(rounds),
        Isa.Avx2 or Isa.Avx2Vnni => FourByOne<Int16Dot256, Bytes256, Rows256>(rounds),
        Isa.AdvSimdDot => FourByOne<Dot128<SdotProduct<SevenBits>>, Bytes128, Rows128>(rounds),
        Isa.AdvSimd => FourByOne<Dot128<AdvSimdProduct<SevenBits>>, Bytes128, Rows128>(rounds),
        Isa.Ssse3 => OneByOne<Dot128<Ssse3Product<SevenBits>>, Bytes128, Rows128>(rounds),
        _ => OneByOne<Dot128<PortableProduct<SevenBits>>, Bytes128, Rows128>(rounds),
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
            Isa.Avx512 or Isa.Avx512Vnni or Isa.Avx512Vnni512 => FloatEight<Rows512>(lines, x, rounds),
            Isa.Avx2 or Isa.Avx2Vnni => FloatFour<Rows256>(lines, x, rounds),
            Isa.AdvSimd or Isa.AdvSimdDot => FloatFour<Rows128>(lines, x, rounds),
            _ => FloatTwo<Rows128>(lines, x, rounds),
        };
    }

    /// <summary>Reads <paramref name="bytes"/> (a multiple of 256) from <paramref name="memory"/>; returns a checksum so that nothing is skipped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Read(byte* memory, long bytes)
    {
        Vector256<int> a = default, b = default, c = default, d = default;
        for (long i = 0; i < bytes; i += 256)
        {
            int* p = (int*)(memory + i);
            a += Vector256.Load(p) ^ Vector256.Load(p + 8);
            b += Vector256.Load(p + 16) ^ Vector256.Load(p + 24);
            c += Vector256.Load(p + 32) ^ Vector256.Load(p + 40);
            d += Vector256.Load(p + 48) ^ Vector256.Load(p + 56);
        }

        return Vector256.Sum(a + b + c + d);
    }

    private static long FourByTwo<TDot, TBytes, TRows>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerFourByTwo<TDot, TBytes, TRows>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    private static long FourByOne<TDot, TBytes, TRows>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerFourByOne<TDot, TBytes, TRows>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    private static long OneByOne<TDot, TBytes, TRows>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        byte* lines = stackalloc byte[LineBytes];
        new Span<byte>(lines, LineBytes).Fill(3);
        return IntegerOneByOne<TDot, TBytes, TRows>(lines, (sbyte*)lines + (LineBytes / 2), rounds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerFourByTwo<TDot, TBytes, TRows>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TDot a0 = TDot.Start(0), b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
        for (long i = 0; i < 64L * rounds; i += 64)
        {
            TBytes w0 = TBytes.Load(weights + (i & 64)), w1 = TBytes.Load(weights + (i & 64) + 128);
            a0 = TDot.MultiplyAdd(a0, w0, x);
            a1 = TDot.MultiplyAdd(a1, w1, x);
            b0 = TDot.MultiplyAdd(b0, w0, x + 4);
            b1 = TDot.MultiplyAdd(b1, w1, x + 4);
            c0 = TDot.MultiplyAdd(c0, w0, x + 8);
            c1 = TDot.MultiplyAdd(c1, w1, x + 8);
            d0 = TDot.MultiplyAdd(d0, w0, x + 12);
            d1 = TDot.MultiplyAdd(d1, w1, x + 12);
        }

        TRows sum = TDot.ToSingle(a0) + TDot.ToSingle(b0) + TDot.ToSingle(c0) + TDot.ToSingle(d0);
        TRows.Store(sum + TDot.ToSingle(a1) + TDot.ToSingle(b1) + TDot.ToSingle(c1) + TDot.ToSingle(d1), (float*)weights);
        return rounds * 8L * 64;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerFourByOne<TDot, TBytes, TRows>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TDot a = TDot.Start(0), b = a, c = a, d = a;
        for (long i = 0; i < 64L * rounds; i += 64)
        {
            TBytes w = TBytes.Load(weights + (i & 64));
            a = TDot.MultiplyAdd(a, w, x);
            b = TDot.MultiplyAdd(b, w, x + 4);
            c = TDot.MultiplyAdd(c, w, x + 8);
            d = TDot.MultiplyAdd(d, w, x + 12);
        }

        TRows.Store(TDot.ToSingle(a) + TDot.ToSingle(b) + TDot.ToSingle(c) + TDot.ToSingle(d), (float*)weights);
        return rounds * 4L * 64;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long IntegerOneByOne<TDot, TBytes, TRows>(byte* weights, sbyte* x, int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TDot a = TDot.Start(0);
        for (long i = 0; i < 64L * rounds; i += 64) a = TDot.MultiplyAdd(a, TBytes.Load(weights + (i & 64)), x);
        TRows.Store(TDot.ToSingle(a), (float*)weights);
        return rounds * 64L;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatEight<TRows>(float* weights, float* x, int rounds)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TRows a = TRows.Zero, b = a, c = a, d = a, e = a, f = a, g = a, h = a, w = TRows.Load(weights), v = TRows.Load(x);
        for (int i = 0; i < rounds; i++)
        {
            a = TRows.MultiplyAdd(w, v, a);
            b = TRows.MultiplyAdd(w, v, b);
            c = TRows.MultiplyAdd(w, v, c);
            d = TRows.MultiplyAdd(w, v, d);
            e = TRows.MultiplyAdd(w, v, e);
            f = TRows.MultiplyAdd(w, v, f);
            g = TRows.MultiplyAdd(w, v, g);
            h = TRows.MultiplyAdd(w, v, h);
        }

        TRows.Store(a + b + c + d + (e + f + g + h), weights);
        return rounds * 8L * 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatFour<TRows>(float* weights, float* x, int rounds)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TRows a = TRows.Zero, b = a, c = a, d = a, w = TRows.Load(weights), v = TRows.Load(x);
        for (int i = 0; i < rounds; i++)
        {
            a = TRows.MultiplyAdd(w, v, a);
            b = TRows.MultiplyAdd(w, v, b);
            c = TRows.MultiplyAdd(w, v, c);
            d = TRows.MultiplyAdd(w, v, d);
        }

        TRows.Store(a + b + c + d, weights);
        return rounds * 4L * 16;
    }

    /// <summary>For processors without fused multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long FloatTwo<TRows>(float* weights, float* x, int rounds)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TRows a = TRows.Zero, b = a;
        for (long i = 0; i < 16L * rounds; i += 16)
        {
            TRows w = TRows.Load(weights + (i & 16));
            a = TRows.MultiplyAdd(w, TRows.Splat(x[0]), a);
            b = TRows.MultiplyAdd(w, TRows.Splat(x[1]), b);
        }

        TRows.Store(a + b, weights);
        return rounds * 2L * 16;
    }
}
