using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Rounds activations to int8 per block of 32: scale = max|x| / 127, value = nearest(x / scale), ties to even; and sums the values for the offset correction.
/// </summary>
public static unsafe class ActivationQuantizer
{
    /// <summary>Quantises row <paramref name="row"/> of <paramref name="target"/> from <paramref name="x"/>.</summary>
    public static void QuantizeRow(float* x, in QuantizedRows target, int row) => QuantizeRow(Isa.Current, x, target, row);

    /// <summary>The same under the instruction set <paramref name="isa"/>, which this machine must have.</summary>
    internal static void QuantizeRow(Isa isa, float* x, in QuantizedRows target, int row)
    {
        int blocks = target.Columns / QuantizedRows.BlockLength;
        sbyte* values = target.Values + ((long)row * target.Columns);
        float* scales = target.Scales + ((long)row * blocks);
        int* sums = target.PairSums + ((long)row * 2 * blocks);
        switch (isa.Lanes)
        {
            case 16: Quantize512(x, values, scales, sums, blocks); break;
            case 8: Quantize256(x, values, scales, sums, blocks); break;
            default: QuantizeScalar(x, values, scales, sums, blocks); break;
        }
    }

    /// <summary>
    /// Start values of the integer sums: −zero·Σx per block of <paramref name="blockLength"/> (16 or 32), as one integer or as a pair of 16-bit ones, for all rows.
    /// </summary>
    public static void StartValues(in QuantizedRows x, int zero, bool paired, int blockLength, int* starts)
    {
        int halves = x.Rows * (x.Columns / 16);
        int* sums = x.PairSums;
        int i = 0;
        if (blockLength == 16)
        {
            for (; i <= halves - 4; i += 4)
            {
                var pairs = Vector128.Load(sums + i);
                (paired ? PairedStart(pairs, zero) : TotalStart(pairs, zero)).Store(starts + i);
            }

            for (; i < halves; i++)
            {
                var pairs = Vector128.CreateScalar(sums[i]);
                starts[i] = (paired ? PairedStart(pairs, zero) : TotalStart(pairs, zero)).ToScalar();
            }

            return;
        }

        for (; i <= halves - 8; i += 8)
        {
            var pairs = AddHalves(Vector128.Load(sums + i), Vector128.Load(sums + i + 4));
            (paired ? PairedStart(pairs, zero) : TotalStart(pairs, zero)).Store(starts + (i / 2));
        }

        for (; i < halves; i += 2)
        {
            var pairs = (Vector128.CreateScalar(sums[i]).AsInt16() + Vector128.CreateScalar(sums[i + 1]).AsInt16()).AsInt32();
            starts[i / 2] = (paired ? PairedStart(pairs, zero) : TotalStart(pairs, zero)).ToScalar();
        }
    }

    /// <summary>scale·Σx per block of <paramref name="blockLength"/>, what a weight's offset is multiplied by, for all rows.</summary>
    public static void ScaledSums(in QuantizedRows x, int blockLength, float* sums)
    {
        int blocks = x.Rows * (x.Columns / 32);
        for (int b = 0; b < blocks; b++)
        {
            int first = x.PairSums[2 * b], second = x.PairSums[(2 * b) + 1];
            int low = (short)first + (first >> 16), high = (short)second + (second >> 16);
            if (blockLength == 16)
            {
                sums[2 * b] = x.Scales[b] * low;
                sums[(2 * b) + 1] = x.Scales[b] * high;
            }
            else
            {
                sums[b] = x.Scales[b] * (low + high);
            }
        }
    }

    /// <summary>The scalar oracle.</summary>
    internal static void QuantizeScalar(float* x, sbyte* values, float* scales, int* sums, int blocks)
    {
        for (int b = 0; b < blocks; b++, x += 32, values += 32)
        {
            float max = 0;
            for (int i = 0; i < 32; i++) max = MathF.Max(max, MathF.Abs(x[i]));
            float inverse = max > 0 ? 127 / max : 0;
            scales[b] = max / 127;
            for (int half = 0; half < 2; half++)
            {
                int low = 0, high = 0;
                for (int i = 16 * half; i < 16 * (half + 1); i++)
                {
                    int value = (int)MathF.Round(x[i] * inverse);
                    values[i] = (sbyte)value;
                    if ((i & 2) == 0) low += value;
                    else high += value;
                }

                sums[(2 * b) + half] = (low & 0xFFFF) | (high << 16);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quantize512(float* x, sbyte* values, float* scales, int* sums, int blocks)
    {
        for (int b = 0; b < blocks; b++, x += 32, values += 32)
        {
            var a = Vector512.Load(x);
            var c = Vector512.Load(x + 16);
            var m = Vector512.MaxNative(Vector512.Abs(a), Vector512.Abs(c));
            float max = MaxElement(Vector256.MaxNative(m.GetLower(), m.GetUpper()));
            var inverse = Vector512.Create(max > 0 ? 127 / max : 0);
            scales[b] = max / 127;
            var low = Avx512F.ConvertToVector128SByte(Avx512F.ConvertToVector512Int32(a * inverse));
            var high = Avx512F.ConvertToVector128SByte(Avx512F.ConvertToVector512Int32(c * inverse));
            low.Store(values);
            high.Store(values + 16);
            sums[2 * b] = PairSum(low);
            sums[(2 * b) + 1] = PairSum(high);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quantize256(float* x, sbyte* values, float* scales, int* sums, int blocks)
    {
        for (int b = 0; b < blocks; b++, x += 32, values += 32)
        {
            var x0 = Vector256.Load(x);
            var x1 = Vector256.Load(x + 8);
            var x2 = Vector256.Load(x + 16);
            var x3 = Vector256.Load(x + 24);
            float max = MaxElement(Vector256.MaxNative(
                Vector256.MaxNative(Vector256.Abs(x0), Vector256.Abs(x1)), Vector256.MaxNative(Vector256.Abs(x2), Vector256.Abs(x3))));
            var inverse = Vector256.Create(max > 0 ? 127 / max : 0);
            scales[b] = max / 127;
            var low = Bytes(x0 * inverse, x1 * inverse);
            var high = Bytes(x2 * inverse, x3 * inverse);
            low.Store(values);
            high.Store(values + 16);
            sums[2 * b] = PairSum(low);
            sums[(2 * b) + 1] = PairSum(high);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Bytes(Vector256<float> a, Vector256<float> b)
    {
        var ia = Avx.ConvertToVector256Int32(a);
        var ib = Avx.ConvertToVector256Int32(b);
        return Vector128.Narrow(Vector128.Narrow(ia.GetLower(), ia.GetUpper()), Vector128.Narrow(ib.GetLower(), ib.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float MaxElement(Vector256<float> v)
    {
        var q = Vector128.MaxNative(v.GetLower(), v.GetUpper());
        q = Vector128.MaxNative(q, Vector128.Shuffle(q, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(q.ToScalar(), q.GetElement(1));
    }

    /// <summary>16 values to (Σ k mod 4 ∈ {0,1}, Σ k mod 4 ∈ {2,3}) as a pair of 16-bit integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PairSum(Vector128<sbyte> v)
    {
        var pairs = Ssse3.MultiplyAddAdjacent(Vector128<byte>.One, v);
        pairs += Vector128.Shuffle(pairs.AsInt32(), Vector128.Create(2, 3, 0, 1)).AsInt16();
        pairs += Vector128.Shuffle(pairs.AsInt32(), Vector128.Create(1, 0, 3, 2)).AsInt16();
        return pairs.AsInt32().ToScalar();
    }

    /// <summary>(p0+p1, p2+p3, …) of eight pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> AddHalves(Vector128<int> a, Vector128<int> b)
    {
        var even = Vector128.Create(a.GetElement(0), a.GetElement(2), b.GetElement(0), b.GetElement(2));
        var odd = Vector128.Create(a.GetElement(1), a.GetElement(3), b.GetElement(1), b.GetElement(3));
        return (even.AsInt16() + odd.AsInt16()).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> PairedStart(Vector128<int> pairs, int zero) => (pairs.AsInt16() * Vector128.Create((short)-zero)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> TotalStart(Vector128<int> pairs, int zero) => (((pairs << 16) >> 16) + (pairs >> 16)) * -zero;
}
