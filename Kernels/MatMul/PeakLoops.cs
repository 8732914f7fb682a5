using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// What one core can do at most with the leaves that the matrix products are made of: the same multiply-adds on registers and a cached line, no memory traffic, no
/// float steps. Benchmarks divide by these.
/// </summary>
public static unsafe class PeakLoops
{
    /// <summary>Multiplies 8-bit weights; returns the number of multiply-adds.</summary>
    public static long Int8(int rounds) => Isa.Current switch
    {
#if NET11_0_OR_GREATER
        Isa.Avx512Vnni512 => Integer<WideVnniDot512, Bytes512, Rows512>(rounds),
#endif
        Isa.Avx512Vnni => Integer<VnniDot512, Bytes256, Rows512>(rounds),
        Isa.Avx512 => Integer<WideDot512, Bytes512, Rows512>(rounds),
        Isa.Avx2Vnni => Integer<VnniDot256, Bytes256, Rows256>(rounds),
        Isa.Avx2 => Integer<SignDot256, Bytes256, Rows256>(rounds),
        Isa.AdvSimdDot => Integer<Dot128<SdotProduct<EightBits>>, Bytes128, Rows128>(rounds),
        Isa.AdvSimd => Integer<Dot128<AdvSimdProduct<EightBits>>, Bytes128, Rows128>(rounds),
        Isa.Ssse3 => Integer<Dot128<Ssse3Product<EightBits>>, Bytes128, Rows128>(rounds),
        _ => Integer<Dot128<PortableProduct<EightBits>>, Bytes128, Rows128>(rounds),
    };

    /// <summary>Multiplies weights of up to 5 bits; returns the number of multiply-adds.</summary>
    public static long Int4(int rounds) => Isa.Current switch
    {
        Isa.Avx512 or Isa.Avx512Vnni or Isa.Avx512Vnni512 => Integer<Int16Dot512, Bytes512, Rows512>(rounds),
        Isa.Avx2 or Isa.Avx2Vnni => Integer<Int16Dot256, Bytes256, Rows256>(rounds),
        Isa.AdvSimdDot => Integer<Dot128<SdotProduct<SevenBits>>, Bytes128, Rows128>(rounds),
        Isa.AdvSimd => Integer<Dot128<AdvSimdProduct<SevenBits>>, Bytes128, Rows128>(rounds),
        Isa.Ssse3 => Integer<Dot128<Ssse3Product<SevenBits>>, Bytes128, Rows128>(rounds),
        _ => Integer<Dot128<PortableProduct<SevenBits>>, Bytes128, Rows128>(rounds),
    };

    /// <summary>Multiplies float32; returns the number of multiply-adds.</summary>
    public static long Single(int rounds) => Isa.Current.Lanes switch
    {
        16 => Float<Rows512>(rounds),
        8 => Float<Rows256>(rounds),
        _ => Float<Rows128>(rounds),
    };

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

    private static long Integer<TDot, TBytes, TRows>(int rounds)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        byte* memory = stackalloc byte[128];
        new Span<byte>(memory, 128).Fill(3);
        IntegerLoop<TDot, TBytes, TRows>(memory, (sbyte*)memory + 64, rounds, (float*)memory);
        return rounds * 4L * 64;
    }

    private static long Float<TRows>(int rounds)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        float* memory = stackalloc float[64];
        new Span<float>(memory, 64).Fill(0.5f);
        FloatLoop<TRows>(memory, rounds);
        return rounds * 8L * 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void IntegerLoop<TDot, TBytes, TRows>(byte* weights, sbyte* x, int rounds, float* result)
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TDot a = TDot.Start(0), b = a, c = a, d = a;
        TBytes w = TBytes.Load(weights);
        for (int i = 0; i < rounds; i++)
        {
            a = TDot.MultiplyAdd(a, w, x);
            b = TDot.MultiplyAdd(b, w, x + 4);
            c = TDot.MultiplyAdd(c, w, x + 8);
            d = TDot.MultiplyAdd(d, w, x + 12);
        }

        TRows.Store(TDot.ToSingle(a) + TDot.ToSingle(b) + TDot.ToSingle(c) + TDot.ToSingle(d), result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FloatLoop<TRows>(float* memory, int rounds)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        TRows a = TRows.Zero, b = a, c = a, d = a, e = a, f = a, g = a, h = a, w = TRows.Load(memory), x = TRows.Load(memory + 16);
        for (int i = 0; i < rounds; i++)
        {
            a = TRows.MultiplyAdd(w, x, a);
            b = TRows.MultiplyAdd(w, x, b);
            c = TRows.MultiplyAdd(w, x, c);
            d = TRows.MultiplyAdd(w, x, d);
            e = TRows.MultiplyAdd(w, x, e);
            f = TRows.MultiplyAdd(w, x, f);
            g = TRows.MultiplyAdd(w, x, g);
            h = TRows.MultiplyAdd(w, x, h);
        }

        TRows.Store(a + b + c + d + (e + f + g + h), memory);
    }
}
