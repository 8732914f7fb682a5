using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Rounds activations to int8 per block of 32: scale = max|x| / 127, value = nearest(x / scale), ties to even; and sums the values for the offset correction.
/// </summary>
public static unsafe class ActivationQuantizer
{
    /// <summary>Quantises row <paramref name="row"/> of <paramref name="target"/> from <paramref name="x"/>.</summary>
    public static void QuantizeRow(float* x, in QuantizedRows target, int row)
    {
        int blocks = target.Columns / QuantizedRows.BlockLength;
        sbyte* values = target.Values + ((long)row * target.Columns);
        float* scales = target.Scales + ((long)row * blocks);
        int* sums = target.PairSums + ((long)row * 2 * blocks);
        switch (Isa.Current.Lanes)
        {
            case 16 when InstructionSets.HasAvx512: Quantize<Float32x16>(x, values, scales, sums, blocks); break;
            case 8 when InstructionSets.HasAvx2: Quantize<Float32x8x2>(x, values, scales, sums, blocks); break;
            default: Quantize<Float32x4x4>(x, values, scales, sums, blocks); break;
        }
    }

    /// <summary>
    /// What takes the zero point off integer sums: −zeroPoint·Σx per block of <paramref name="blockLength"/> (16 or 32), as one integer or as a pair of 16-bit ones, for all rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compensate(in QuantizedRows x, int zeroPoint, bool paired, int blockLength, int* compensations)
    {
        int halves = x.Rows * (x.Columns / 16);
        int* sums = x.PairSums;
        int i = 0;
        if (blockLength == 16)
        {
            for (; i <= halves - 4; i += 4)
            {
                var pairs = Vector128.Load(sums + i);
                (paired ? PairedCompensation(pairs, zeroPoint) : TotalCompensation(pairs, zeroPoint)).Store(compensations + i);
            }

            for (; i < halves; i++)
            {
                var pairs = Vector128.CreateScalar(sums[i]);
                compensations[i] = (paired ? PairedCompensation(pairs, zeroPoint) : TotalCompensation(pairs, zeroPoint)).ToScalar();
            }

            return;
        }

        for (; i <= halves - 8; i += 8)
        {
            var pairs = AddHalves(Vector128.Load(sums + i), Vector128.Load(sums + i + 4));
            (paired ? PairedCompensation(pairs, zeroPoint) : TotalCompensation(pairs, zeroPoint)).Store(compensations + (i / 2));
        }

        for (; i < halves; i += 2)
        {
            var pairs = (Vector128.CreateScalar(sums[i]).AsInt16() + Vector128.CreateScalar(sums[i + 1]).AsInt16()).AsInt32();
            compensations[i / 2] = (paired ? PairedCompensation(pairs, zeroPoint) : TotalCompensation(pairs, zeroPoint)).ToScalar();
        }
    }

    /// <summary>scale·Σx per block of <paramref name="blockLength"/>, what a weight's offset is multiplied by, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScaledSums(in QuantizedRows x, int blockLength, float* sums)
    {
        int blocks = x.Rows * (x.Columns / 32), b = 0;
        if (blockLength == 16)
        {
            for (; b <= blocks - 2; b += 2)
            {
                var scales = Vector128.Create(x.Scales[b], x.Scales[b], x.Scales[b + 1], x.Scales[b + 1]);
                (scales * Vector128.ConvertToSingle(Totals(Vector128.Load(x.PairSums + (2 * b))))).Store(sums + (2 * b));
            }
        }
        else
        {
            for (; b <= blocks - 4; b += 4)
            {
                var pairs = AddHalves(Vector128.Load(x.PairSums + (2 * b)), Vector128.Load(x.PairSums + (2 * b) + 4));
                (Vector128.Load(x.Scales + b) * Vector128.ConvertToSingle(Totals(pairs))).Store(sums + b);
            }
        }

        for (; b < blocks; b++)
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

    /// <typeparam name="T">16 floats: half a block.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quantize<T>(float* x, sbyte* values, float* scales, int* sums, int blocks)
        where T : unmanaged, IFloatLanes<T>
    {
        for (int b = 0; b < blocks; b++, x += QuantizedRows.BlockLength, values += QuantizedRows.BlockLength)
        {
            T low = T.Load(x), high = T.Load(x + T.Count);
            float max = T.MaxElement(T.Max(T.Abs(low), T.Abs(high)));
            T inverse = T.Splat(max > 0 ? 127 / max : 0);
            scales[b] = max / 127;
            T.StoreInt8(low * inverse, values);
            T.StoreInt8(high * inverse, values + T.Count);

            // Loaded as they were stored: one load over two stores would wait for both to reach the cache.
            PairSums(Vector256.Create(Vector128.Load(values), Vector128.Load(values + T.Count))).Store(sums + (2 * b));
        }
    }

    /// <summary>Twice 16 values to twice (Σ k mod 4 ∈ {0,1}, Σ k mod 4 ∈ {2,3}), each a pair of 16-bit integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector64<int> PairSums(Vector256<sbyte> v)
    {
        var pairs = ((v.AsInt16() << 8) >> 8) + (v.AsInt16() >> 8);
        pairs += Vector256.Shuffle(pairs.AsInt32(), Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5)).AsInt16();
        pairs += Vector256.Shuffle(pairs.AsInt32(), Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)).AsInt16();
        return Vector128.ConditionalSelect(Vector128.Create(-1, 0, 0, 0), pairs.AsInt32().GetLower(), pairs.AsInt32().GetUpper()).GetLower();
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
    private static Vector128<int> PairedCompensation(Vector128<int> pairs, int zeroPoint) => (pairs.AsInt16() * Vector128.Create((short)-zeroPoint)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> TotalCompensation(Vector128<int> pairs, int zeroPoint) => Totals(pairs) * -zeroPoint;

    /// <summary>Both halves of each pair added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Totals(Vector128<int> pairs) => ((pairs << 16) >> 16) + (pairs >> 16);
}
