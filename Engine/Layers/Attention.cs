using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>softmax(scale·Q·Kᵀ)·V per head over the keys that each query sees.</summary>
public static unsafe class Attention
{
    /// <summary>Attention over keys and values that lie in matrices (encoders).</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="shape">Heads and sizes.</param>
    /// <param name="q">[queries, Heads·HeadSize].</param>
    /// <param name="k">[keys, KvHeads·HeadSize].</param>
    /// <param name="v">[keys, KvHeads·ValueSize].</param>
    /// <param name="ranges">One range of keys per query; not empty.</param>
    /// <param name="output">[queries, Heads·ValueSize].</param>
    public static void Forward(Workspace workspace, AttentionShape shape, Matrix q, Matrix k, Matrix v, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        Check(shape, q, k.Rows, ranges, output);
        fixed (KeyRange* r = ranges)
        {
            using (workspace.Frame())
            {
                var body = new Body { Shape = shape, Q = q, K = k, V = v, Ranges = r, Output = output, Scores = workspace.Rent(q.Rows * shape.Heads, k.Rows) };
                workspace.Pool.For(q.Rows * shape.Heads, ref body);
            }
        }
    }

    /// <summary>Attention over the keys and values of a cache layer (decoders); ranges count from the cache's first cell.</summary>
    public static void Forward(Workspace workspace, AttentionShape shape, Matrix q, KvLayer cache, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        int keys = 0;
        foreach (var range in ranges) keys = Math.Max(keys, range.End);
        Forward(workspace, shape, q, cache.Keys(keys), cache.Values(keys), ranges, output);
    }

    private static void Check(AttentionShape shape, Matrix q, int keys, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        if (shape.KvHeads <= 0 || shape.Heads % shape.KvHeads != 0)
            throw new ArgumentException($"{shape.Heads} query heads cannot share {shape.KvHeads} key heads");
        if (q.Columns != shape.Heads * shape.HeadSize || output.Columns != shape.Heads * shape.ValueSize || output.Rows != q.Rows || ranges.Length != q.Rows)
            throw new ArgumentException($"queries {q.Rows}×{q.Columns}, output {output.Rows}×{output.Columns} and {ranges.Length} ranges do not fit {shape}");
        foreach (var range in ranges)
        {
            if (range.Start < 0 || range.End > keys || range.Start >= range.End)
                throw new ArgumentException($"key range {range.Start}..{range.End} is empty or outside the {keys} keys");
        }
    }

    private struct Body : IParallelBody
    {
        public AttentionShape Shape;
        public Matrix Q, K, V, Output, Scores;
        public KeyRange* Ranges;

        public readonly void Run(int index)
        {
            int query = index / Shape.Heads, head = index % Shape.Heads, kv = head / (Shape.Heads / Shape.KvHeads);
            float* q = Q.Row(query) + (head * Shape.HeadSize);
            float* y = Output.Row(query) + (head * Shape.ValueSize);
            float* s = Scores.Row(index);
            var (start, end) = (Ranges[query].Start, Ranges[query].End);
            float max = float.NegativeInfinity;
            for (int j = start; j < end; j++)
            {
                s[j] = Shape.Scale * VectorKernels.Dot(q, K.Row(j) + (kv * Shape.HeadSize), Shape.HeadSize);
                if (Shape.SoftCap > 0) s[j] = Shape.SoftCap * MathF.Tanh(s[j] / Shape.SoftCap);
                max = MathF.Max(max, s[j]);
            }

            new Span<float>(y, Shape.ValueSize).Clear();
            float sum = 0;
            for (int j = start; j < end; j++)
            {
                float p = MathF.Exp(s[j] - max);
                sum += p;
                VectorKernels.AddScaled(V.Row(j) + (kv * Shape.ValueSize), p, y, Shape.ValueSize);
            }

            VectorKernels.Scale(y, 1 / sum, y, Shape.ValueSize);
        }
    }
}
