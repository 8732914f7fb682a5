using System.Runtime.CompilerServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Attention;

/// <summary>
/// softmax(scale·Q·Kᵀ)·V for a tile of rows that share a key head, with the softmax made online (Milakov and Gimelshein 2018; FlashAttention, Dao et al. 2022): keys go by in
/// chunks of 64, each row keeps its largest score m, its sum l and its weighted values o, and rescales l and o by e^(m − m') when m grows. No score matrix is ever in memory.
/// </summary>
/// <remarks>
/// <para>A row is one query of one head. Rows are numbered query · group + head in group, so that the heads of a group (grouped-query attention) read a key chunk once, widened to float32 once.</para>
/// <para>
/// Tile: 32 rows × 64 keys: Q, scores, o and one chunk of K and V take about 56 KB for 64-wide heads, in L1 and a bit of L2. Both products are <see cref="FloatTile{T}"/>.
/// Measured in turns on Zen 5: 64 rows a tile 0.99–1.02 of the speed, 128 keys a chunk 1.01–1.02, which is not worth twice the stack.
/// </para>
/// </remarks>
public static unsafe class AttentionTile
{
    /// <summary>Most rows of a tile.</summary>
    public const int MaxRows = 32;

    /// <summary>Keys per chunk.</summary>
    public const int Chunk = 64;

    /// <summary>Tokens per key block.</summary>
    public const int KeyBlock = 16;

    /// <summary>Bytes of scratch that <see cref="Run"/> needs.</summary>
    public static long ScratchBytes(in AttentionArguments a)
    {
        long floats = ((long)MaxRows * a.HeadSize) + (MaxRows * Chunk) + ((long)MaxRows * a.PaddedValueSize) + (2 * MaxRows)
            + ((long)Chunk * a.HeadSize) + ((long)Chunk * a.PaddedValueSize);
        return (4 * floats) + 512;
    }

    /// <summary>Computes <paramref name="rows"/> rows of key head <paramref name="head"/>.</summary>
    /// <param name="a">The layer.</param>
    /// <param name="head">Key head.</param>
    /// <param name="first">First row, query · group + head in group.</param>
    /// <param name="rows">Number of rows, at most <see cref="MaxRows"/>.</param>
    /// <param name="part">With <see cref="AttentionArguments.Partials"/>: the part of the keys to go over, else 0.</param>
    /// <param name="partLength">Keys per part, a multiple of <see cref="Chunk"/>.</param>
    /// <param name="scratch"><see cref="ScratchBytes"/> bytes, aligned to 64.</param>
    public static void Run(AttentionArguments* a, int head, int first, int rows, int part, int partLength, byte* scratch)
    {
        switch (Isa.Current.Lanes)
        {
            case 16 when InstructionSets.HasAvx512: Run<Float32x16, Float32x16>(a, head, first, rows, part, partLength, (float*)scratch); break;
            case 8 when InstructionSets.HasAvx2: Run<Float32x8x2, Float32x8>(a, head, first, rows, part, partLength, (float*)scratch); break;
            default: Run<Float32x4x4, Float32x4>(a, head, first, rows, part, partLength, (float*)scratch); break;
        }
    }

    /// <summary>Joins the parts of row <paramref name="row"/> of key head <paramref name="head"/>.</summary>
    public static void Join(AttentionArguments* a, int head, int row, int parts)
    {
        int query = row / a->Group, h = (head * a->Group) + (row % a->Group);
        float* y = a->Output + (query * a->OutputStride) + (h * a->ValueSize);
        float max = float.NegativeInfinity, sum = 0;
        for (int p = 0; p < parts; p++) max = MathF.Max(max, Partial(a, p, head, row)[0]);
        new Span<float>(y, a->ValueSize).Clear();
        for (int p = 0; p < parts; p++)
        {
            float* partial = Partial(a, p, head, row);
            if (partial[1] == 0) continue;
            float factor = MathF.Exp(partial[0] - max);
            sum += factor * partial[1];
            Elementwise.VectorKernels.AddScaled(partial + 16, factor, y, a->ValueSize);
        }

        Elementwise.VectorKernels.Scale(y, 1 / sum, y, a->ValueSize);
    }

    private static float* Partial(AttentionArguments* a, int part, int head, int row) =>
        a->Partials + ((((long)part * a->KvHeads) + head) * a->PartialRows + row) * a->PartialStride;

    private static void Run<TPanel, T>(AttentionArguments* a, int head, int first, int rows, int part, int partLength, float* scratch)
        where TPanel : unmanaged, IFloatLanes<TPanel>
        where T : unmanaged, IMathLanes<T>
    {
        int d = a->HeadSize, dv = a->PaddedValueSize, group = a->Group;
        float* q = scratch, scores = q + (MaxRows * d), o = scores + (MaxRows * Chunk);
        float* max = o + (MaxRows * dv), sum = max + MaxRows, keys = sum + MaxRows, values = keys + (Chunk * d);

        int start = int.MaxValue, end = 0;
        for (int r = 0; r < rows; r++)
        {
            int query = (first + r) / group, h = (head * group) + ((first + r) % group);
            Elementwise.VectorKernels.Scale(a->Q + (query * a->QStride) + (h * d), a->Scale, q + (r * d), d);
            start = Math.Min(start, a->Ranges[2 * query]);
            end = Math.Max(end, a->Ranges[(2 * query) + 1]);
            max[r] = float.NegativeInfinity;
            sum[r] = 0;
        }

        if (partLength > 0)
        {
            start = Math.Max(start, part * partLength);
            end = Math.Min(end, (part + 1) * partLength);
        }

        new Span<float>(o, rows * dv).Clear();
        for (int key = start / Chunk * Chunk; key < end; key += Chunk)
        {
            int count = Math.Min(Chunk, end - key), blocks = (count + KeyBlock - 1) / KeyBlock;
            float* k = KeyValueBlocks.Keys<TPanel>(a, head, key / KeyBlock, blocks, keys);
            FloatTile<TPanel>.Multiply(q, d, rows, k, 16, 16 * d, blocks, d, scores, Chunk, accumulate: false);
            for (int r = 0; r < rows; r++)
            {
                int query = (first + r) / group;
                int from = Math.Max(a->Ranges[2 * query] - key, start - key), to = Math.Min(a->Ranges[(2 * query) + 1], end) - key;
                OnlineSoftmax<T>(scores + (r * Chunk), Math.Max(from, 0), Math.Min(to, count), 16 * blocks, a->SoftCap, ref max[r], ref sum[r], o + (r * dv), dv);
            }

            float* v = KeyValueBlocks.Values<TPanel>(a, head, key, count, values, out long valueStride);
            FloatTile<TPanel>.Multiply(scores, Chunk, rows, v, valueStride, 16, dv / 16, count, o, dv, accumulate: true);
        }

        for (int r = 0; r < rows; r++)
        {
            if (partLength > 0)
            {
                float* partial = Partial(a, part, head, first + r);
                partial[0] = max[r];
                partial[1] = sum[r];
                new Span<float>(o + (r * dv), dv).CopyTo(new Span<float>(partial + 16, dv));
                continue;
            }

            int query = (first + r) / group, h = (head * group) + ((first + r) % group);
            Elementwise.VectorKernels.Scale(o + (r * dv), 1 / sum[r], a->Output + (query * a->OutputStride) + (h * a->ValueSize), a->ValueSize);
        }
    }

    /// <summary>
    /// Turns scores[from … to) into e^(score − m) with the row's new maximum m, the rest of the chunk into zeros, and brings sum and o up to date.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OnlineSoftmax<T>(float* scores, int from, int to, int length, float softCap, ref float max, ref float sum, float* o, int dv)
        where T : unmanaged, IMathLanes<T>
    {
        if (from >= to)
        {
            for (int i = 0; i < length; i++) scores[i] = 0;
            return;
        }

        if (softCap > 0)
        {
            // tanh x = 2σ(2x) − 1.
            T twice = T.Splat(2 / softCap), cap = T.Splat(softCap);
            for (int i = 0; i < length; i += T.Count)
                T.Store(cap * T.MultiplyAdd(T.Splat(2), VectorMath.Sigmoid(T.Load(scores + i) * twice), T.Splat(-1)), scores + i);
        }

        for (int i = 0; i < from; i++) scores[i] = float.NegativeInfinity;
        for (int i = to; i < length; i++) scores[i] = float.NegativeInfinity;
        T largest = T.Load(scores);
        for (int i = T.Count; i < length; i += T.Count) largest = T.Max(largest, T.Load(scores + i));
        float newMax = MathF.Max(max, T.MaxElement(largest));
        T m = T.Splat(newMax), total = T.Zero;
        for (int i = 0; i < length; i += T.Count)
        {
            T p = VectorMath.ExpUpTo88(T.Load(scores + i) - m);
            T.Store(p, scores + i);
            total += p;
        }

        // e^−87 is as good as zero in a sum, but masked keys must not even get that.
        for (int i = 0; i < from; i++) scores[i] = 0;
        for (int i = to; i < length; i++) scores[i] = 0;
        if (newMax > max)
        {
            float factor = sum == 0 ? 0 : MathF.Exp(max - newMax);
            T f = T.Splat(factor);
            for (int i = 0; i < dv; i += T.Count) T.Store(T.Load(o + i) * f, o + i);
            sum *= factor;
            max = newMax;
        }

        sum += T.Sum(total);
    }
}
